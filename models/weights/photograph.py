"""The pretrained weights against bicubic interpolation, on a photograph that they have not seen.

    pip install numpy pillow scikit-image
    python models/weights/photograph.py --program target/release/srvae-run --out photograph

Halves scikit-image's photograph of a cat (451x300, CC0) as the model does, enlarges it again by the model and by bicubic
interpolation, and prints the PSNR of both. FOLDER gets the pictures: cat.png, enlarged.png and, side by side with the
original, enlarged.compared.png. PSNR is computed twice, by the program and here from its picture.
"""

import argparse
import json
import pathlib
import subprocess

import numpy
import skimage.data
from PIL import Image


def psnr(one, other):
    """Decibels between two pictures of bytes, over all pixels and colours."""
    difference = one.astype(numpy.float64) - other.astype(numpy.float64)
    return 10 * numpy.log10(255**2 / numpy.mean(difference**2))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="srvae-run")
    parser.add_argument("--run", default="--pretrained", help="a run folder or a checkpoint, instead of the program's weights")
    parser.add_argument("--decode", default="likeliest", choices=["likeliest", "mean", "sample"])
    parser.add_argument("--temperature", default="1", help="scales the standard deviation of the latents")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("photograph"), metavar="FOLDER")
    options = parser.parse_args()

    options.out.mkdir(parents=True, exist_ok=True)
    original, enlarged = options.out / "cat.png", options.out / "enlarged.png"
    pixels = skimage.data.chelsea()
    Image.fromarray(pixels).save(original)
    command = [options.program, "upscale", options.run, "--input", original, "--reduce", "--out", enlarged, "--json"]
    command += ["--decode", options.decode, "--temperature", options.temperature]
    line = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])

    width, height = line["to"]
    again = psnr(numpy.asarray(Image.open(enlarged).convert("RGB")), pixels[:height, :width])
    print(f"{line['from'][0]}x{line['from'][1]} to {width}x{height} in {line['seconds']:.1f} s, {options.decode} pixels")
    print(f"PSNR of the model {line['psnr_db']:.2f} dB (from its picture {again:.2f} dB)")
    print(f"PSNR of bicubic interpolation {line['psnr_bicubic_db']:.2f} dB")


if __name__ == "__main__":
    main()
