//! The modes of a model as figures, for models with untrained weights.

use srvae::data::Images;
use srvae::figures::{self, Large, Options, Walk};
use srvae::picture::{Planes, from_batch};
use srvae::spec::{Role, Space, Spec, Variable};
use srvae::{Compiled, DType, Decode, Device, Draw, Model, Noise, Params, Values};
use srvae_tests::{srvae_golden, three_levels};

const LIKELIEST: Draw = Draw { temperature: 1.0, decode: Decode::Mode, top: None };

fn model(compiled: Compiled, variables: &[(&str, Role, Space, &[usize])]) -> (Spec, Box<dyn Model>) {
    let variable =
        |&(name, role, space, shape): &(&str, Role, Space, &[usize])| Variable::new(name, role, space, shape);
    let spec = Spec {
        name: compiled.name.into(),
        source: compiled.source.into(),
        preset: None,
        settings: Vec::new(),
        variables: variables.iter().map(variable).collect(),
        builder: compiled.into(),
    };
    let built = spec.build(&Params::new(3, DType::F32, &Device::Cpu)).unwrap();
    (spec, built)
}

fn two_levels() -> (Spec, Box<dyn Model>) {
    model(
        srvae_golden::COMPILED,
        &[
            ("x", Role::Observed, Space::Image, &[3, 32, 32]),
            ("y", Role::Latent, Space::Image, &[3, 16, 16]),
            ("u", Role::Latent, Space::Real, &[16, 8, 8]),
            ("z", Role::Latent, Space::Real, &[16, 8, 8]),
        ],
    )
}

fn of_three_levels() -> (Spec, Box<dyn Model>) {
    model(
        three_levels::COMPILED,
        &[
            ("x", Role::Observed, Space::Image, &[3, 16, 16]),
            ("z1", Role::Latent, Space::Real, &[8, 8, 8]),
            ("z2", Role::Latent, Space::Real, &[8, 4, 4]),
            ("z3", Role::Latent, Space::Real, &[4, 4, 4]),
        ],
    )
}

/// Images with content in every corner.
fn pictures(shape: [usize; 3], count: usize) -> Images {
    let size: usize = shape.iter().product();
    Images::new(shape, (0..count * size).map(|at| (at * 37 % 251) as u8).collect(), None).unwrap()
}

#[test]
fn walks_begin_and_end_at_the_pictures_whatever_the_number_of_levels() {
    for ((spec, model), latents, top) in [
        (two_levels(), vec!["u"], true),
        (two_levels(), vec!["z"], false),
        (of_three_levels(), vec!["z3"], true),
        (of_three_levels(), vec!["z1", "z2", "z3"], false),
    ] {
        let latents: Vec<String> = latents.into_iter().map(str::to_owned).collect();
        let ends = pictures(spec.picture_shape(), 2);
        let options = Options { draw: LIKELIEST, ..Options::default() };
        let walk = Walk { latents: latents.clone(), top, steps: 3 };
        let there = figures::interpolation(model.as_ref(), &spec, &ends, &walk, &options).unwrap();
        assert_eq!(there.pictures.len(), 3 + 2, "{latents:?}");
        // The same image at both ends, so all steps are equal.
        let same =
            figures::interpolation(model.as_ref(), &spec, &ends.select(&[0, 0]).unwrap(), &walk, &options).unwrap();
        assert_eq!(same.pictures[1], same.pictures[3], "{latents:?}");
        assert_eq!(same.pictures[1], there.pictures[1], "{latents:?}");
        assert_ne!(there.pictures[1], there.pictures[3], "{latents:?}");
        if latents.len() == 3 {
            // Where every latent is led to the other picture's, the walk ends at what that picture alone becomes.
            let other = ends.select(&[1, 1]).unwrap();
            let other = figures::interpolation(model.as_ref(), &spec, &other, &walk, &options).unwrap();
            let far = |at: usize| -> u32 {
                let pairs = there.pictures[at].iter().zip(other.pictures[1].iter());
                pairs.map(|(a, b)| u32::from(a.abs_diff(*b))).sum()
            };
            // Rounding in f32 moves a value by a level here and there.
            assert!(4 * far(3) < far(2), "{} {}", far(2), far(3));
        }
    }
}

#[test]
fn a_latent_that_is_not_there_is_named_with_those_that_are() {
    let (spec, model) = of_three_levels();
    let walk = Walk { latents: vec!["w".into()], top: false, steps: 3 };
    let ends = pictures([3, 16, 16], 2);
    let error = figures::interpolation(model.as_ref(), &spec, &ends, &walk, &Options::default()).unwrap_err();
    assert!(error.to_string().contains("`w`") && error.to_string().contains("z1, z2, z3"), "{error}");
}

#[test]
fn a_large_picture_of_one_tile_is_the_mode_itself_and_others_have_no_seams() {
    let (spec, model) = two_levels();
    let mode = model.modes().iter().find(|mode| mode.name == "conditional_generation").unwrap();
    let still = Draw { temperature: 0.0, decode: Decode::Mode, top: None };
    let large = |picture: &Planes, overlap: f64, draw: Draw| {
        let how = Large { draw, seed: 5, overlap, progress: &|_, _| () };
        figures::large(model.as_ref(), &spec, mode, picture, &how).unwrap()
    };
    let small = Planes::of(&from_batch(&noise(&[1, 3, 16, 16])).unwrap()[0], 3);
    let tile = srvae::Tensor::from_slice(&small.values, (1, 3, 16, 16), &Device::Cpu).unwrap();
    let given = Values::new().with("y", tile);
    let found = model.run(mode.name, &given, 1, &mut Noise::seeded(0), &still).unwrap();
    let expected: Vec<f32> = found.get("x").unwrap().flatten_all().unwrap().to_vec1().unwrap();
    let one = large(&small, 0.5, still);
    let worst = one.values.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // Sums in f32, of a tile that is blended with itself.
    assert!(worst < 1e-5, "{worst}");
    // A smooth image whose size is not a multiple of the tiles: gradients at the tile borders are not steeper than
    // elsewhere.
    let smooth = image(37, 53);
    for draw in [still, LIKELIEST] {
        let whole = large(&smooth, 0.5, draw);
        assert_eq!((whole.channels, whole.height, whole.width), (3, 74, 106));
        let step = |x: usize| (0..74).map(|y| (whole.at(0, y, x) - whole.at(0, y, x - 1)).abs()).sum::<f32>() / 74.0;
        // Tiles begin every 16 columns. The columns next to a beginning are compared with all others.
        let (mut at, mut elsewhere) = (0f32, 0f32);
        for x in 8..98 {
            let slot = if x % 16 == 0 { &mut at } else { &mut elsewhere };
            *slot = slot.max(step(x));
        }
        assert!(at < 1.5 * elsewhere, "{at} {elsewhere}");
    }
    assert_eq!(large(&smooth, 0.5, LIKELIEST), large(&smooth, 0.5, LIKELIEST));
    let reduced = figures::reduce(model.as_ref(), &spec, mode, &image(64, 96)).unwrap();
    assert_eq!((reduced.channels, reduced.height, reduced.width), (3, 32, 48));
    // Downscaling is local, so tiles change nothing: each pixel is the mean of four, apart from the filter's
    // contribution of their neighbours. At an edge its weights are 3, 3 and 1 of 7, which moves it by 0.21 pixels along
    // slopes of 0.2 * (0.11 + 0.13): 0.010, and the grid of pixels adds 1 / 510.
    let full = image(64, 96);
    for (y, x) in [(0, 0), (15, 16), (16, 15), (31, 47)] {
        let mean =
            [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dy, dx)| full.at(1, 2 * y + dy, 2 * x + dx)).iter().sum::<f32>();
        assert!((reduced.at(1, y, x) - mean / 4.0).abs() < 0.015, "{y} {x}");
    }
}

fn noise(shape: &[usize]) -> srvae::Tensor {
    Noise::seeded(1).uniform("picture", shape, DType::F32, &Device::Cpu).unwrap()
}

fn image(height: usize, width: usize) -> Planes {
    let mut picture = Planes::zeros(3, height, width);
    for (at, value) in picture.values.iter_mut().enumerate() {
        let (y, x) = (at / width % height, at % width);
        *value = 0.5 + 0.2 * (x as f32 * 0.11).sin() + 0.2 * (y as f32 * 0.13).cos();
    }
    picture
}

#[test]
fn tiles_of_a_mode_that_is_given_more_than_a_picture_are_refused() {
    let (spec, model) = two_levels();
    let mode = model.modes().iter().find(|mode| mode.name == "generation").unwrap();
    let how = Large { draw: LIKELIEST, seed: 1, overlap: 0.5, progress: &|_, _| () };
    let error = figures::large(model.as_ref(), &spec, mode, &image(8, 8), &how).unwrap_err();
    assert!(error.to_string().contains("one image and nothing else"), "{error}");
}
