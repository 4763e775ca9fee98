fn main() {
    for path in std::env::args().skip(1) {
        let source = srvae_dsl::Source::new(&path, std::fs::read_to_string(&path).unwrap());
        let (model, _) =
            srvae_dsl::check(&srvae_dsl::parse(&source).unwrap(), &source, &srvae_dsl::Overrides::default()).unwrap();
        let plan = srvae_dsl::plan::plan(model);
        println!("{plan}");
        let origin = srvae_dsl::emit::Origin { path: path.clone(), include: path.clone() };
        println!("{}", srvae_dsl::emit::rust_source(&plan, &origin).unwrap());
    }
}
