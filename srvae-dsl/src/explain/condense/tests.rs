use super::*;

#[test]
fn distances_are_said_in_the_index() {
    let said = |distances: &[i64]| {
        let mut apart = Apart::default();
        distances.iter().for_each(|distance| apart.include(*distance, *distance));
        apart.text("t")
    };
    assert_eq!(said(&[0]), "");
    assert_eq!(said(&[-1]), "t − 1");
    assert_eq!(said(&[-1, 0]), "t − 1, t");
    assert_eq!(said(&[-3, -2, -1]), "< t");
    assert_eq!(said(&[-3, -2, -1, 0]), "≤ t");
    assert_eq!(said(&[1, 2]), "> t");
    assert_eq!(said(&[-1, 0, 1]), "all t");
    assert_eq!(said(&[-1, 1]), "others than t");
}

/// A single member at the last step, and the steps that an edge joins.
#[test]
fn the_last_step_has_the_name_of_the_length() {
    let text = "model m\nlength T = 4\nindex t in 1..T\nindex f in 1..2\nobserved x[t]: real[2]\nobserved w[t, f]: real[2]\n\
        observed y: label[3]\nlatent z[t]: real[2]\np(z[t]) = standard_normal\np(x[t] | z[t]) = normal from z[t] |> linear\n\
        p(w[t, f] | z[t]) = normal from z[t] |> linear\np(y | z[1..T]) = categorical from h[T] |> linear\n\
        let h[1] = z[1] |> linear(out: 2)\nlet h[t] = gru(h[t - 1], z[t]) for t in 2..T\n\
        q(z[t] | x[t]) = normal from x[t] |> linear for t in 1..3\nq(z[4] | x[4], y) = normal from concat(x[4], y) |> linear\n";
    let compilation = crate::compile(&crate::Source::new("m.pgm", text), &crate::Overrides::default());
    let graph = condense(compilation.plan().unwrap());
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    assert!(names.contains(&"w[t, f]") && names.contains(&"z[t]"), "{names:?}");
    let plates: Vec<&str> = graph.plates.iter().map(|plate| plate.label.as_str()).collect();
    assert_eq!(plates, ["t = 1 … T", "t = 1 … T, f = 1, 2"]);
    let labels: BTreeSet<&str> = graph.edges.iter().map(|edge| edge.label.as_str()).collect();
    assert!(labels.contains("t = T") && !labels.contains("t = 4"), "{labels:?}");
}

/// One node for a family over two indices, whose recurrence is an edge to itself.
#[test]
fn a_family_over_two_indices_is_one_node() {
    let text = "model m\nindex t in 1..3\nindex k in 1..4\nobserved x[t, k]: real[2]\nlatent z[t, k]: real[2]\nlatent u[t]: real[2]\n\
        p(u[t]) = standard_normal\np(z[1, k] | u[1]) = normal from u[1] |> linear\n\
        p(z[t, k] | z[t - 1, k], u[t]) = normal from concat(z[t - 1, k], u[t]) |> linear for t in 2..3\n\
        p(x[t, k] | z[t, k]) = normal from z[t, k] |> linear\nq(u[t] | x[t, 1]) = normal from x[t, 1] |> linear\n\
        q(z[t, k] | x[t, k]) = normal from x[t, k] |> linear\n";
    let compilation = crate::compile(&crate::Source::new("m.pgm", text), &crate::Overrides::default());
    let graph = condense(compilation.plan().unwrap());
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["x[t, k]", "z[t, k]", "u[t]"]);
    let edges: Vec<(&str, &str, &str, bool)> = graph
        .edges
        .iter()
        .filter(|edge| edge.side == Side::P)
        .map(|edge| (names[edge.from], names[edge.to], edge.label.as_str(), edge.is_down))
        .collect();
    let expected =
        [("u[t]", "z[t, k]", "", true), ("z[t, k]", "z[t, k]", "t − 1", false), ("z[t, k]", "x[t, k]", "", true)];
    assert_eq!(edges, expected);
    let of_q = |edge: &&Edge| edge.side == Side::Q && names[edge.to] == "u[t]";
    assert_eq!(graph.edges.iter().find(of_q).map(|edge| edge.label.as_str()), Some("k = 1"));
    assert_eq!(graph.plates.len(), 2);
}
