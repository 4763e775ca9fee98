//! Random valid graphs compile, their generated code parses, their explanations are complete, and formatting keeps
//! their meaning.

#[allow(dead_code)] // Each test file uses a part of it.
mod random;
mod support;

use proptest::prelude::*;
use random::{Dice, linear_gaussian, model};
use srvae_dsl::derive::is_deterministic;
use srvae_dsl::graph::{Role, VariableId};
use srvae_dsl::plan::plan;
use srvae_dsl::{Overrides, Source, explain, format};
use support::{code, model_of, show_graph};

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_graphs_become_code_that_parses(seed in any::<u64>(), linear in any::<bool>()) {
        let dice = &mut Dice::new(seed);
        let text = if linear { linear_gaussian(dice) } else { model(dice) };
        let source = Source::new("random.pgm", text.as_str());
        let checked = model_of(&source, &Overrides::default());
        let graph = show_graph(&checked);

        // The canonical form has the same meaning, and formatting it again changes nothing.
        let formatted = format(&source).unwrap();
        let again = Source::new("random.pgm", formatted.as_str());
        prop_assert_eq!(&show_graph(&model_of(&again, &Overrides::default())), &graph, "{}", text);
        prop_assert_eq!(&format(&again).unwrap(), &formatted, "{}", text);

        let plan = plan(checked);
        let written = code(&plan);
        prop_assert!(syn::parse_file(&written).is_ok(), "{}", written);
        prop_assert_eq!(written, code(&plan));

        // One term for each variable that is not given.
        let of = |role: Role| plan.model.variables.iter().filter(move |variable| variable.role == role).count();
        prop_assert_eq!(plan.derivation.terms.len(), plan.model.variables.len() - of(Role::Given), "{}", text);
        // A mode or a reason for each latent that q determines and, if there are several, for each observed variable alone.
        let derived = &plan.derivation;
        let modes = derived.modes.iter().map(|mode| &mode.given);
        let is_given = |id: &VariableId| plan.model.variable(*id).role == Role::Given;
        let evidence = modes.chain(derived.refused.iter().map(|refusal| &refusal.given));
        let evidence: Vec<Vec<VariableId>> =
            evidence.map(|given| given.iter().copied().filter(|id| !is_given(id)).collect()).collect();
        let determined = plan.model.q.iter().filter(|factor| is_deterministic(factor)).map(|factor| factor.variable);
        let is_alone = |id: &VariableId| of(Role::Observed) > 1 && plan.model.variable(*id).role == Role::Observed;
        let alone = (0..plan.model.variables.len()).map(VariableId).filter(is_alone);
        for id in determined.chain(alone) {
            prop_assert!(evidence.contains(&vec![id]), "{}: {text}", plan.model.variable(id).name);
        }
        for refusal in &derived.refused {
            prop_assert!(!refusal.reason.text(&plan.model).is_empty(), "{}", text);
        }
        prop_assert_eq!(&plan.derivation.modes[0].name, "generation");

        // Figures take time, so only one graph in eight is drawn.
        let picture = if seed % 8 == 0 { explain::svg(&plan) } else { String::new() };
        let said = explain::text(&plan) + &explain::latex(&plan) + &explain::dot(&plan) + &picture;
        for variable in &plan.model.variables {
            prop_assert!(said.contains(&variable.name));
        }
        let parameters = explain::json(&plan)["parameters"].as_u64();
        prop_assert_eq!(parameters, Some(plan.model.cost().parameters));
    }
}
