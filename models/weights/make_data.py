"""Makes the training data of the pretrained weights: patches of photographs that may be shipped, and built-in scenes.

    pip install numpy pillow scikit-image scikit-learn matplotlib
    pip download --no-deps scipy==1.9.3          its wheel contains one more photograph (optional)
    cargo build --release --workspace --example scenes
    python models/weights/make_data.py --scenes target/release/examples/scenes --wheel scipy-1.9.3-*.whl

Writes weights.npz with x_train, x_val and x_test, uint8 [records, 3, 32, 32]; half of each part are patches and half are
scenes. A patch shows 32 to 128 pixels of its photograph, at 32x32. Patches for validation and testing come from the right
sixth of each photograph, which no patch for training touches. The same arguments give the same records.
"""

import argparse
import bz2
import pathlib
import subprocess
import tempfile
import zipfile

import matplotlib
import numpy
import skimage.data
import sklearn.datasets
from PIL import Image

SIZE = 32
# The part of a photograph's width that is kept for validation and testing.
KEPT = 1 / 6
# The built-in data set is the first 10,000 scenes; these begin behind it, so that its test records are new to the weights.
FIRST_SCENE = 10_000

# Name, source, licence, share of the patches. The photograph of a cat in scikit-image is left out: it is the test picture.
PHOTOGRAPHS = [
    ("astronaut", "scikit-image; NASA", "public domain", 4),
    ("coffee", "scikit-image; Rachel Michetti", "CC0", 4),
    ("rocket", "scikit-image; SpaceX", "public domain", 2),
    ("hubble", "scikit-image; NASA, Hubble extreme deep field", "public domain", 1),
    ("retina", "scikit-image; Mikael Häggström", "CC0", 1),
    ("china", "scikit-learn; danielbuechele on Flickr", "CC BY 2.0", 5),
    ("flower", "scikit-learn; vultilion on Flickr", "CC BY 2.0", 4),
    ("hopper", "matplotlib; US Navy, Grace Hopper", "public domain", 3),
    ("raccoon", "scipy 1.9.3; public-domain-image.com", "public domain", 5),
]


def open_photograph(name, wheel):
    """The pixels of a photograph, or None without the wheel that has it."""
    if name in ("china", "flower"):
        return sklearn.datasets.load_sample_image(f"{name}.jpg")
    if name == "hopper":
        with Image.open(pathlib.Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg") as picture:
            return numpy.asarray(picture.convert("RGB"))
    if name == "raccoon":
        if wheel is None:
            return None
        with zipfile.ZipFile(wheel) as archive:
            pixels = bz2.decompress(archive.read("scipy/misc/face.dat"))
        return numpy.frombuffer(pixels, numpy.uint8).reshape(768, 1024, 3)
    if name == "hubble":
        return skimage.data.hubble_deep_field()
    return getattr(skimage.data, name)()


def patch(photograph, random):
    """A random square of a photograph at SIZE x SIZE, mirrored every other time: three in ten as it is, else reduced."""
    width, height = photograph.size
    largest = min(height, width, 4 * SIZE)
    side = SIZE if random.random() < 0.3 else SIZE * (largest / SIZE) ** random.random()
    whole = side == SIZE
    left, top = random.uniform(0, width - side), random.uniform(0, height - side)
    if whole:
        left, top = round(left), round(top)
    box = (left, top, left + side, top + side)
    reduced = photograph.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box)
    out = numpy.asarray(reduced).transpose(2, 0, 1)
    return out[:, :, ::-1] if random.random() < 0.5 else out


def patches(photographs, shares, count, random):
    """Patches of the photographs by their shares; more often of places where something is to be seen."""
    out = numpy.empty((count, 3, SIZE, SIZE), numpy.uint8)
    which = random.choice(len(photographs), size=count, p=numpy.array(shares) / sum(shares))
    for record, photograph in enumerate(which):
        first, second = (patch(photographs[photograph], random) for _ in range(2))
        out[record] = max(first, second, key=numpy.std) if random.random() < 0.5 else first
    return out


def scenes(program, first, count):
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run([program, str(first), str(count), str(SIZE), file.name], check=True)
        return numpy.fromfile(file.name, numpy.uint8).reshape(count, 3, SIZE, SIZE)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("/tmp/weights_data"))
    parser.add_argument("--scenes", required=True, help="the built example `scenes`")
    parser.add_argument("--wheel", help="scipy 1.9.3")
    parser.add_argument("--counts", type=int, nargs=3, default=[28_000, 1_000, 1_000], help="patches, and as many scenes")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    random = numpy.random.default_rng(options.seed)
    found = [(share, open_photograph(name, options.wheel)) for name, _, _, share in PHOTOGRAPHS]
    shares = [share for share, pixels in found if pixels is not None]
    photographs = [Image.fromarray(pixels) for _, pixels in found if pixels is not None]
    edges = [round(photograph.width * (1 - KEPT)) for photograph in photographs]
    seen = [photograph.crop((0, 0, edge, photograph.height)) for photograph, edge in zip(photographs, edges)]
    kept = [photograph.crop((edge, 0, *photograph.size)) for photograph, edge in zip(photographs, edges)]

    arrays, first = {}, FIRST_SCENE
    for part, count in zip(("train", "val", "test"), options.counts):
        taken = patches(seen if part == "train" else kept, shares, count, random)
        records = numpy.concatenate([taken, scenes(options.scenes, first, count)])
        first += count
        arrays[f"x_{part}"] = random.permutation(records)
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "weights.npz"
    numpy.savez_compressed(file, **arrays)
    parts = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
    print(f"{file}: {parts} of {len(photographs)} photographs, {file.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
