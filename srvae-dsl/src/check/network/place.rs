//! Whether the shape of `learned` values follows from their place: directly, or through operations that keep a shape.

use super::Builder;
use crate::ast::{Call, Expression, ExpressionKind};
use crate::catalog::{self, Arguments, Arity};

impl Builder<'_, '_> {
    /// The shape of the `learned` values in an expression that must have this shape, if they have no other: `learned`,
    /// `learned |> softplus`, `softmax(learned)`, `2 * learned + 1`, `h * learned`.
    pub(in crate::check) fn asked<'s>(&self, expression: &Expression, shape: &'s [usize]) -> Option<&'s [usize]> {
        self.takes(expression, shape).then_some(shape)
    }

    fn takes(&self, expression: &Expression, shape: &[usize]) -> bool {
        match &expression.kind {
            ExpressionKind::Learned(space) => space.is_none(),
            ExpressionKind::Group(inner) | ExpressionKind::Negate(inner) => self.takes(inner, shape),
            ExpressionKind::Binary(_, left, right) => self.takes(left, shape) || self.takes(right, shape),
            ExpressionKind::Pipeline(stages) => match stages.as_slice() {
                [first, rest @ ..] => self.takes(first, shape) && self.keeping(rest, shape) == rest.len(),
                [] => false,
            },
            ExpressionKind::Call(call) => match call.arguments.as_deref() {
                Some([input]) => input.name.is_none() && self.keeps(call, shape) && self.takes(&input.value, shape),
                _ => false,
            },
            ExpressionKind::Number(_) | ExpressionKind::Range(..) => false,
        }
    }

    /// The number of stages at the end of a pipeline that yield this shape from this shape.
    pub(in crate::check) fn keeping(&self, stages: &[Expression], shape: &[usize]) -> usize {
        let keeps = |stage: &&Expression| {
            let call = stage.as_call().filter(|call| call.arguments.as_ref().is_none_or(Vec::is_empty));
            call.is_some_and(|call| self.keeps(call, shape))
        };
        stages.iter().rev().take_while(keeps).count()
    }

    /// Whether an operation has one input and no arguments, and yields this shape from this shape.
    fn keeps(&self, call: &Call, shape: &[usize]) -> bool {
        let is_net = self.checker.nets.find(&call.name.text).is_some();
        let block = catalog::block(&call.name.text).filter(|_| !is_net);
        block.is_some_and(|block| {
            let is_plain = matches!(block.arity, Arity::One) && block.parameters.is_empty();
            is_plain && (block.shape)(&Arguments::default(), &[shape]).is_ok_and(|found| found == shape)
        })
    }
}
