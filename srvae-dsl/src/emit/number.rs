//! Numbers. They are symbolic until here: parameters are fields of the configuration.

use super::ident;
use crate::graph::{Argument, Number, Operator, Value};
use crate::plan::Plan;
use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// The place where a number is printed.
#[derive(Clone, Copy)]
pub enum Scope {
    /// In a constructor: the configuration is an argument.
    Build,
    /// In a method: the configuration is a field.
    Run,
}

/// A number as an expression.
pub fn number(plan: &Plan, scope: Scope, number: &Number) -> TokenStream {
    match number {
        Number::Literal(value) => literal(value),
        Number::Param(id) => {
            let field = ident(&plan.names.settings[id.0]);
            match scope {
                Scope::Build => quote!(config.#field),
                Scope::Run => quote!(self.config.#field),
            }
        }
        Number::Binary(operator, left, right) => {
            let (left, right) = (operand(plan, scope, left), operand(plan, scope, right));
            match operator {
                Operator::Add => quote!(#left + #right),
                Operator::Subtract => quote!(#left - #right),
                Operator::Multiply => quote!(#left * #right),
                Operator::Divide => quote!(#left / #right),
            }
        }
    }
}

fn operand(plan: &Plan, scope: Scope, value: &Number) -> TokenStream {
    let inner = number(plan, scope, value);
    if matches!(value, Number::Binary(..)) { quote!((#inner)) } else { inner }
}

/// A literal value.
pub fn literal(value: &Value) -> TokenStream {
    match value {
        Value::Int(value) => {
            let value = Literal::i64_unsuffixed(*value);
            quote!(#value)
        }
        Value::Real(value) => {
            let value = Literal::f64_unsuffixed(*value);
            quote!(#value)
        }
        Value::Bool(value) => quote!(#value),
        Value::Word(word) => quote!(#word),
    }
}

/// `[3, 32, 32]`.
pub fn dims(plan: &Plan, scope: Scope, dims: &[Number]) -> TokenStream {
    let sizes = dims.iter().map(|size| number(plan, scope, size));
    quote!([#(#sizes),*])
}

/// The value of an argument. A real number is computed in f64.
pub fn argument(plan: &Plan, scope: Scope, argument: &Argument) -> TokenStream {
    match argument.value {
        Value::Real(_) => real(plan, scope, &argument.number),
        Value::Int(_) | Value::Bool(_) | Value::Word(_) => number(plan, scope, &argument.number),
    }
}

/// A number as an expression of type f64.
pub fn real(plan: &Plan, scope: Scope, value: &Number) -> TokenStream {
    match value {
        Number::Literal(Value::Int(value)) => literal(&Value::Real(*value as f64)),
        Number::Literal(value) => literal(value),
        Number::Param(id) => {
            let field = number(plan, scope, value);
            match plan.model.params[id.0].default {
                Value::Int(_) => quote!((#field as f64)),
                Value::Real(_) | Value::Bool(_) | Value::Word(_) => field,
            }
        }
        Number::Binary(operator, left, right) => {
            let (left, right) = (real(plan, scope, left), real(plan, scope, right));
            match operator {
                Operator::Add => quote!((#left + #right)),
                Operator::Subtract => quote!((#left - #right)),
                Operator::Multiply => quote!((#left * #right)),
                Operator::Divide => quote!((#left / #right)),
            }
        }
    }
}

/// The arguments of a function, one expression each; repeated arguments of one name are one slice.
pub fn arguments(plan: &Plan, scope: Scope, args: &[Argument], repeats: bool) -> Vec<TokenStream> {
    let each = args.iter().map(|one| argument(plan, scope, one));
    if repeats { vec![quote!(&[#(#each),*])] } else { each.collect() }
}
