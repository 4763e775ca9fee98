//! `sample --given`: all other variables are drawn, given any variables that the graph allows.

use super::support::Place;
use srvae::arrays::{Array, Numbers, write_npz};
use std::fs;

/// Two observed variables with one latent, which q infers from the image only.
const MODEL: &str = "model both\nobserved x: image[1, 4, 4]\nobserved c: label[3]\nlatent z: real[2]\nlatent w: real[3]\n\
    p(z) = standard_normal\np(w | z) = normal from z |> linear\np(c | z) = categorical from z |> linear\n\
    p(x | w) = logistic_mixture(components: 1) from w |> linear(out: 16) |> reshape(1, 4, 4) |> conv\n\
    q(w | x) = normal from x |> flatten |> linear\nq(z | w) = normal from w |> linear\n";

/// The numbers of an array in a file written by this program, and its shape as stated in the file.
fn array(place: &Place, file: &str, name: &str) -> (String, Vec<f32>) {
    let bytes = fs::read(place.path(file)).unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut content = Vec::new();
    std::io::copy(&mut archive.by_name(&format!("{name}.npy")).unwrap(), &mut content).unwrap();
    let end = 10 + usize::from(u16::from_le_bytes([content[8], content[9]]));
    let header = String::from_utf8_lossy(&content[10..end]).into_owned();
    let shape = header.split_once("'shape': ").unwrap().1.split_once(", }").unwrap().0.to_owned();
    (shape, content[end..].chunks(4).map(|number| f32::from_le_bytes(number.try_into().unwrap())).collect())
}

fn trained() -> Place {
    let place = Place::new();
    fs::write(place.path("both.pgm"), MODEL).unwrap();
    for class in 0..3u8 {
        let folder = place.path(&format!("data/class{class}"));
        fs::create_dir_all(&folder).unwrap();
        for number in 0..8u8 {
            let paint = |x: u32, y: u32| image::Luma([class * 80 + number * 9 + (x + y) as u8]);
            image::GrayImage::from_fn(4, 4, paint).save(folder.join(format!("{number}.png"))).unwrap();
        }
    }
    place.json("train both.pgm --data data --steps 4 --batch 4 --out run");
    place
}

#[test]
fn what_is_left_open_is_drawn_given_the_rest() {
    let place = trained();
    // Everything, as arrays with the variables' names.
    let found = place.json("sample run --count 5 --out all.npz");
    assert_eq!(found["mode"], "generation");
    assert_eq!(array(&place, "all.npz", "x").0, "(5, 1, 4, 4,)");
    assert_eq!(array(&place, "all.npz", "c").0, "(5, 3,)");
    // Given a latent: its descendants are drawn from p, its ancestors from q.
    let found = place.json("sample run --given w=0.5,-1,2 --count 6 --out w.npz");
    assert_eq!((found["count"].as_u64(), &found["arrays"]["w"]), (Some(6), &serde_json::Value::Null));
    for (name, shape) in [("z", "(6, 2,)"), ("c", "(6, 3,)"), ("x", "(6, 1, 4, 4,)")] {
        assert_eq!(array(&place, "w.npz", name).0, shape);
    }
    // The same seed yields the same bits, another value others.
    place.json("sample run --given w=0.5,-1,2 --count 6 --out again.npz");
    assert_eq!(array(&place, "w.npz", "z"), array(&place, "again.npz", "z"));
    place.json("sample run --given w=-3,1,0 --count 6 --out other.npz");
    assert_ne!(array(&place, "w.npz", "z"), array(&place, "other.npz", "z"));
    // Given several variables.
    let found = place.json("sample run --given z=0,1 --given w=1,1,1 --count 3 --out two.png");
    assert!(found["mode"].as_str().unwrap().starts_with("conditional_generation"), "{found}");
    // Labels given images: q infers the latents, p draws the label.
    let found = place.json("sample run --given x=data/class1/3.png --count 7 --out label.npz");
    assert_eq!(found["arrays"]["c"], serde_json::json!([7, 3]));
}

/// The rows of one array yield the records of several commands.
#[test]
fn arrays_give_each_record_its_own_value() {
    let place = trained();
    let found = place.json("encode run --out codes.npz");
    let records = found["records"].as_u64().unwrap();
    assert!(records > 1, "{found}");
    let drawn = place.json("sample run --given w=codes.npz --temperature 0 --decode mean --out drawn.npz");
    assert_eq!(drawn["count"].as_u64(), Some(records));
    let (_, pictures) = array(&place, "drawn.npz", "x");
    // The image of a record depends only on its own value.
    let codes = array(&place, "codes.npz", "w").1;
    let own: Vec<String> = codes[3..6].iter().map(f32::to_string).collect();
    place
        .json(&format!("sample run --given w={} --temperature 0 --decode mean --count 1 --out one.npz", own.join(",")));
    let (_, one) = array(&place, "one.npz", "x");
    let far = one.iter().zip(&pictures[16..32]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // In a larger batch, the sums of a row may have another order: a few units in the last place.
    assert!(far < 1e-6 && pictures[..16] != pictures[16..32], "{far}");
}

/// One number for several is said, and so is not taken for a class or for the first of them.
#[test]
fn one_number_for_all_is_said() {
    let place = trained();
    let said = |given: &str| {
        let said = place.run(&format!("sample run --count 1 --out some.npz --given {given}"));
        assert_eq!(said.code, 0, "{}", said.err);
        said.err
    };
    let note = "--given w=1: all 3 numbers of `w` are 1; separate others by commas";
    assert!(said("w=1").contains(note), "{}", said("w=1"));
    assert!(!said("w=1,1,1").contains("all 3 numbers"));
    assert!(!said("x=data/class1/3.png").contains("numbers of"));
}

#[test]
fn what_the_graph_does_not_allow_is_refused_with_the_reason() {
    let place = trained();
    for (arguments, words) in [
        (
            "--given c=1",
            vec!["has no mode given c", "z is an ancestor of c in p", "q(z | w) reads w", "q(w | x) needs x"],
        ),
        ("--given w=1,1,1 --given c=class2", vec!["no drawn variable depends on c; omit it"]),
        ("--given v=1", vec!["the model has no variable `v`; it has x, c, z, w"]),
        ("--given c=9", vec!["--given c=9", "a class from 0 to 2, or one of class0, class1, class2"]),
        ("--given w=1,2", vec!["expected 3 finite numbers"]),
        ("--given w=none.npz", vec!["none.npz: no such file"]),
        ("--given z=0 --given z=1", vec!["`z` is given twice"]),
    ] {
        place.fails(&format!("sample run {arguments}"), &words);
    }
    place.fails("reconstruct run --given z=0", &["--given z: reconstruction is given x in this model; omit --given z"]);
    place.fails("sample run --given w=0,0,0 --against run --out a.npz", &["--against", "arrays"]);
}

/// The mean of a label is its probabilities, and its mode is the class with the highest one.
#[test]
fn a_likelihood_is_decoded_as_asked_for() {
    let place = trained();
    let rows = |decode: &str| -> Vec<Vec<f32>> {
        place.json(&format!("sample run --count 60 --temperature 0 --decode {decode} --out {decode}.npz"));
        array(&place, &format!("{decode}.npz"), "c").1.chunks(3).map(<[f32]>::to_vec).collect()
    };
    let (means, likeliest, samples) = (rows("mean"), rows("likeliest"), rows("sample"));
    for (mean, likeliest) in means.iter().zip(&likeliest) {
        // A sum of three numbers in f32.
        assert!(mean.iter().all(|&p| 0.0 < p && p < 1.0) && (mean.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{mean:?}");
        let most = mean.iter().copied().fold(0.0, f32::max);
        assert_eq!(*likeliest, mean.iter().map(|&p| f32::from(u8::from(p == most))).collect::<Vec<_>>());
    }
    assert!(samples.iter().all(|row| row.iter().sum::<f32>() == 1.0) && samples != likeliest);
}

#[test]
fn a_label_that_pictures_lack_is_asked_for() {
    let place = trained();
    let reads = "q(w | x, c) = normal from concat(x |> flatten, c) |> linear";
    let text = MODEL.replace("q(w | x) = normal from x |> flatten |> linear", reads);
    fs::write(place.path("both.pgm"), text).unwrap();
    place.json("train both.pgm --data data --steps 4 --batch 4 --out label");
    place.fails("reconstruct label --input data/class0", &["is given `c`", "--given c=VALUE"]);
    place.json("reconstruct label --input data/class0 --given c=1");
}

/// One array gives all members of a family, each record its own values.
#[test]
fn an_array_gives_a_family() {
    let place = Place::new();
    let text = "model family\nindex i in 1..3\nobserved x[i]: real[2]\nlatent z: real[2]\np(z) = standard_normal\n\
        p(x[i] | z) = normal(std: 0.1) from z |> linear\nq(z | x[1..3]) = normal from concat(x[1..3]) |> linear\n";
    fs::write(place.path("family.pgm"), text).unwrap();
    let numbers = Numbers::F32((0..24 * 6).map(|at| (at as f32 * 0.7).sin()).collect());
    write_npz(&place.path("data.npz"), &[Array { name: "x".into(), shape: vec![24, 3, 2], values: numbers }]).unwrap();
    place.json("train family.pgm --data data.npz --steps 4 --batch 4 --out run");
    let whole = "sample run --given x=data.npz --temperature 0 --seed 3 --count 24";
    let found = place.json(&format!("{whole} --out whole.npz"));
    assert_eq!(found["arrays"]["z"], serde_json::json!([24, 2]));
    let own = |record: usize, member: usize| {
        let at = (record * 3 + member) * 2;
        format!("--given x[{}]={},{}", member + 1, (at as f32 * 0.7).sin(), ((at + 1) as f32 * 0.7).sin())
    };
    let each: Vec<String> = (0..3).map(|member| own(5, member)).collect();
    place.json(&format!("sample run {} --temperature 0 --seed 3 --count 1 --out one.npz", each.join(" ")));
    let (all, one) = (array(&place, "whole.npz", "z").1, array(&place, "one.npz", "z").1);
    // In a larger batch, the sums of a row may have another order: a few units in the last place.
    assert!(all[10..12].iter().zip(&one).all(|(a, b)| (a - b).abs() < 1e-6), "{all:?} {one:?}");
    assert!((all[10] - all[12]).abs() > 1e-4, "{all:?}");
    // Of one record, for every example.
    let numbers = Numbers::F32(vec![0.5; 6]);
    write_npz(&place.path("record.npz"), &[Array { name: "x".into(), shape: vec![3, 2], values: numbers }]).unwrap();
    place.json("reconstruct run --given x=record.npz --count 2 --out r.npz");
    place.fails("sample run --given x=0.5", &["`x` is a family, `x[1]` to `x[3]`", "[records, 3, 2]", "`x[1]=VALUE`"]);
}
