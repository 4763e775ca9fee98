//! Prints the values of a program as statements. This is the only traversal of programs in the emitter.

mod draws;
mod operations;

use super::ident;
use super::roll::{Around, Layers, Member, Rolled, Statement, place, roll};
use crate::plan::{ARGUMENTS, Group, Operation, Plan, Program, Value, ValueId};
use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;
use std::collections::{BTreeMap, BTreeSet};

/// The argument of a segment with the tensors that it reads.
pub const KEPT: &str = "kept";

/// A program as statements.
pub struct Walker<'p> {
    pub plan: &'p Plan,
    pub program: &'p Program,
    layers: &'p Layers,
    /// The values of each scope, in order.
    scopes: BTreeMap<Option<ValueId>, Vec<ValueId>>,
    /// The inputs; members of lists with their positions.
    given: BTreeMap<String, Option<Member>>,
    /// Names used in its function.
    names: BTreeSet<String>,
    /// Whether fields of the layers are kept unchanged, because methods of members are distinguished by them.
    keeps_fields: bool,
}

impl<'p> Walker<'p> {
    pub fn new(plan: &'p Plan, program: &'p Program, layers: &'p Layers) -> Self {
        let mut scopes: BTreeMap<_, Vec<ValueId>> = BTreeMap::new();
        program.ids().for_each(|(id, value)| scopes.entry(value.scope).or_default().push(id));
        let names = program.values.iter().map(|value| value.name.clone());
        let mut names: BTreeSet<String> = names.chain(ARGUMENTS.map(str::to_owned)).collect();
        let mut given = BTreeMap::new();
        for group in plan.names.families.given(program) {
            match group {
                Group::One(value) if matches!(value.operation, Operation::Given(_)) => {
                    given.insert(value.name.clone(), None);
                }
                Group::One(_) => {}
                Group::Members { family, each, .. } => {
                    let vector = plan.names.families.argument(family, program);
                    let member = |at| Some(Member { vector: vector.clone(), at, is_variable: true });
                    given.extend(each.iter().enumerate().map(|(at, value)| (value.name.clone(), member(at))));
                    names.insert(vector);
                }
            }
        }
        let kept = program.values.iter().filter(|value| value.operation == Operation::Kept).enumerate();
        let member = |at| Some(Member { vector: KEPT.to_owned(), at, is_variable: false });
        given.extend(kept.map(|(at, value)| (value.name.clone(), member(at))));
        Self { plan, program, layers, scopes, given, names, keeps_fields: false }
    }

    /// A walker for the method of a factor or of a value.
    pub fn of_method(plan: &'p Plan, program: &'p Program, layers: &'p Layers) -> Self {
        Self { keeps_fields: true, ..Self::new(plan, program, layers) }
    }

    /// The first input, as a tensor. Its rows are the records.
    pub fn first(&self) -> TokenStream {
        let first = self.program.arguments().take(1).map(|value| self.outside(value));
        quote!(#(#first)*)
    }

    /// The number of records, if the program needs it.
    pub fn records(&self) -> TokenStream {
        let first = self.first();
        match self.program.uses(|operation| matches!(operation, Operation::Rows | Operation::Each)) {
            true => quote!(let records = #first.dim(0)?;),
            false => TokenStream::new(),
        }
    }

    /// The program's statements. Its results are read after them.
    pub fn statements(&self) -> Rolled {
        let read = self.program.outputs().into_iter().map(|id| self.program.value(id).name.clone()).collect();
        roll(self.scope(None), Around { read, ..self.around() })
    }

    /// The statements of a distribution's scope, and the code after them.
    fn inside(&self, scope: ValueId, rest: TokenStream) -> TokenStream {
        let Rolled { statements, rest, .. } =
            roll(self.scope(Some(scope)), Around { is_inner: true, rest, ..self.around() });
        quote!(#statements #rest)
    }

    fn around(&self) -> Around<'_> {
        Around {
            given: Some(&self.given),
            taken: Some(&self.names),
            layers: Some(self.layers),
            is_inner: self.keeps_fields,
            ..Around::default()
        }
    }

    fn scope(&self, scope: Option<ValueId>) -> Vec<Statement> {
        let inside = self.scopes.get(&scope).into_iter().flatten();
        inside.filter_map(|id| self.statement(*id, self.program.value(*id))).collect()
    }

    fn statement(&self, id: ValueId, value: &Value) -> Option<Statement> {
        // An argument, or a field of the layers.
        let is_place = matches!(
            value.operation,
            Operation::Presence | Operation::Root(_) | Operation::Partial(_) | Operation::Kept
        );
        if value.operation.is_given() || is_place {
            return None;
        }
        let (body, fails) = self.expression(value);
        let body = if fails { quote!(#body?) } else { body };
        // The statements of a position-by-position draw are in the function that is called for each position.
        let is_in_order = matches!(value.operation, Operation::InOrder(..));
        let code = match is_in_order || !self.scopes.contains_key(&Some(id)) {
            true => body,
            false => {
                let inside = self.inside(id, body);
                quote!({ #inside })
            }
        };
        let is_tensor = !self.program.is_distribution(id) && !matches!(value.operation, Operation::Scored(_));
        Some(Statement { name: value.name.clone(), kind: is_tensor.then(|| "tensor".to_owned()), code })
    }

    /// The distribution that a factor's method returns, with the values that only it reads.
    pub fn yielded(&self, id: ValueId) -> TokenStream {
        let (body, fails) = self.expression(self.program.value(id));
        let rest = self.inside(id, if fails { body } else { quote!(::std::result::Result::Ok(#body)) });
        let before = self.scopes.get(&None).into_iter().flatten().filter(|other| **other != id);
        let before = before.filter_map(|id| self.statement(*id, self.program.value(*id))).collect();
        let Rolled { statements, rest, .. } = roll(before, Around { rest, ..self.around() });
        quote!(#statements #rest)
    }

    fn local(&self, id: ValueId) -> Ident {
        ident(&self.program.value(id).name)
    }

    /// The place of a value: a local, the tensor of an argument, a field.
    fn place(&self, id: ValueId) -> TokenStream {
        self.place_of(self.program.value(id))
    }

    fn place_of(&self, value: &Value) -> TokenStream {
        let name = ident(&value.name);
        match value.operation {
            // The place of a kept tensor is that of its member.
            Operation::Given(_) | Operation::Kept => quote!(#name.0),
            Operation::Partly(_) => quote!(#name.value.0),
            Operation::Presence => {
                let of = self.local(value.inputs[0]);
                quote!(#of.present)
            }
            Operation::Root(part) => {
                let field = ident(&self.plan.parts.part(part).field);
                quote!(self.layers.#field)
            }
            _ => quote!(#name),
        }
    }

    fn reference(&self, id: ValueId) -> TokenStream {
        let place = self.place(id);
        match self.program.value(id).operation {
            // An argument that is already a reference.
            Operation::GivenValue(_) | Operation::Partial(_) => place,
            _ => quote!(&#place),
        }
    }

    /// The place of a value outside of the statements. An input may be a member of a list.
    fn outside(&self, value: &Value) -> TokenStream {
        self.given.get(&value.name).and_then(Option::as_ref).map_or_else(|| self.place_of(value), place)
    }

    /// A tensor of the result. An input is returned unchanged.
    pub fn owned(&self, id: ValueId, rolled: &Rolled) -> TokenStream {
        let value = self.program.value(id);
        if !value.operation.is_given() {
            return rolled.value(&value.name);
        }
        let place = self.outside(value);
        quote!(#place.clone())
    }

    /// Tensors of the result, as a vector.
    pub fn list(&self, ids: &[ValueId], rolled: &Rolled) -> TokenStream {
        let places: Vec<Option<&Member>> = ids.iter().map(|id| self.member(*id, rolled)).collect();
        let (mut parts, mut at) = (Vec::new(), 0);
        while at < ids.len() {
            let (count, part) = self.in_a_row(&ids[at..], &places[at..], rolled);
            parts.push(part);
            at += count;
        }
        match parts.as_slice() {
            [only] => only.clone(),
            _ => quote!([#(#parts),*].concat()),
        }
    }

    /// The length of the longest prefix of values that are consecutive members of one vector, or of none, and its
    /// vector.
    fn in_a_row(&self, ids: &[ValueId], places: &[Option<&Member>], rolled: &Rolled) -> (usize, TokenStream) {
        let lies = |at: usize, from: &Member, up: bool| {
            places[at].is_some_and(|member| {
                let expected = if up { from.at.checked_add(at) } else { from.at.checked_sub(at) };
                (&member.vector, Some(member.at)) == (&from.vector, expected)
            })
        };
        if let Some(first) = places[0] {
            for up in [true, false] {
                let count = (0..ids.len()).take_while(|at| lies(*at, first, up)).count();
                if count > 1 {
                    let from = if up { first.at } else { first.at + 1 - count };
                    return (count, slice(first, (from, from + count), up));
                }
            }
        }
        let count = places.iter().skip(1).take_while(|place| place.is_none()).count();
        let count = if places[0].is_none() { count + 1 } else { 1 };
        let each = ids[..count].iter().map(|id| self.owned(*id, rolled));
        (count, quote!(::std::vec::Vec::from([#(#each),*])))
    }

    /// The place of a value in a vector.
    fn member<'r>(&'r self, id: ValueId, rolled: &'r Rolled) -> Option<&'r Member> {
        let value = self.program.value(id);
        match value.operation.is_given() {
            true => self.given.get(&value.name).and_then(Option::as_ref),
            false => rolled.members.get(&value.name),
        }
    }
}

/// A range of members of a vector, in their order or reversed.
fn slice(member: &Member, (from, to): (usize, usize), up: bool) -> TokenStream {
    let vector = ident(&member.vector);
    let (from, to) = (Literal::usize_unsuffixed(from), Literal::usize_unsuffixed(to));
    let reversed = (!up).then(|| quote!(.rev()));
    match member.is_variable {
        true => {
            quote!(#vector[#from..#to].iter() #reversed .map(|one| one.0.clone()).collect::<::std::vec::Vec<_>>())
        }
        false if up => quote!(#vector[#from..#to].to_vec()),
        false => quote!(#vector[#from..#to].iter().rev().cloned().collect::<::std::vec::Vec<_>>()),
    }
}
