//! The syntax tree: the statements of a file with their places, before names are resolved.

use crate::graph::{Joint, Operator, Role, Side, Value};
use crate::source::Span;

/// A model file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct File {
    pub items: Vec<Item>,
    /// Comments that are not documentation, in order.
    pub comments: Vec<Comment>,
    /// Documentation comments that no statement follows.
    pub stray_docs: Vec<Doc>,
}

/// A comment, from its `//` to the end of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    pub text: String,
    pub span: Span,
}

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The lines of its `///` comments, without the slashes and the space after them.
    pub docs: Vec<Doc>,
    pub kind: ItemKind,
    /// `for l in 2..L`, after the statement.
    pub over: Option<Over>,
    pub span: Span,
}

/// The kind of what a statement declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declares {
    /// A parameter, a table, an index or a length.
    Number,
    Variable,
    /// A named network, a value or a flow.
    Network,
}

impl Item {
    /// The names that the statement declares, with their kind; without those of presets, which are apart.
    pub fn declared(&self) -> impl Iterator<Item = (Declares, &Name)> {
        let (kind, names) = match &self.kind {
            ItemKind::Param(setting) => (Declares::Number, std::slice::from_ref(&setting.name)),
            ItemKind::Table { name, .. } | ItemKind::Index { name, .. } | ItemKind::Length { name, .. } => {
                (Declares::Number, std::slice::from_ref(name))
            }
            ItemKind::Variables { names, .. } => (Declares::Variable, names.as_slice()),
            ItemKind::Net { name, .. } | ItemKind::Let { name, .. } | ItemKind::Flow { name, .. } => {
                (Declares::Network, std::slice::from_ref(name))
            }
            ItemKind::Model(_)
            | ItemKind::Preset { .. }
            | ItemKind::Checkpoint { .. }
            | ItemKind::Factor(_)
            | ItemKind::Bound { .. }
            | ItemKind::Draw { .. }
            | ItemKind::Weight { .. }
            | ItemKind::Objective(_) => (Declares::Number, &[][..]),
        };
        names.iter().map(move |name| (kind, name))
    }
}

/// A line of documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doc {
    pub text: String,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ItemKind {
    /// `model srvae`
    Model(Name),
    /// `param growth = 64`
    Param(Setting),
    /// `param side[l] = runs(4: 4, 8: 8)`: one number for each value of an index.
    Table { name: Name, index: Name, values: Table },
    /// `index l in 1..L`
    Index { name: Name, set: Set },
    /// `length T`, optionally with the length that checks without data use.
    Length { name: Name, value: Option<Value> },
    /// `checkpoint t = 32`, with the number of values of the index in each segment of the bound.
    Checkpoint { index: Name, every: Expression },
    /// `preset quick { growth = 8 }`
    Preset { name: Name, settings: Vec<Setting> },
    /// `latent u, z: real[16, 8, 8]`
    Variables { role: Role, names: Vec<Name>, space: Space },
    /// `net enc(x) = …`
    Net { name: Name, formals: Vec<Formal>, output: Option<Space>, body: NetBody },
    /// `let h = x |> encoder(…)`, or `learned w: real[64]`, which is a `let` whose value is learned.
    Let { name: Name, value: Expression },
    /// `flow glow = squeeze |> …`
    Flow { name: Name, value: Expression },
    /// `p(y | u) = … from …`
    Factor(Factor),
    /// `bound KL_z = monte_carlo`
    Bound { term: Name, estimator: Name },
    /// `draw y = relaxed(temperature: 0.5)`
    Draw { variable: Name, method: Call },
    /// `weight KL_z = 0.5 * ramp(400)`
    Weight { term: Name, value: Expression },
    /// `objective + alpha * ln q(y | x) where y is observed - ln p(t | z)`: one or several.
    Objective(Vec<Addend>),
}

#[derive(Debug, Clone, PartialEq)]
pub enum NetBody {
    Expression(Expression),
    /// `rust "crate::nets::Mine"`: the path, without the quotes.
    Rust(Name),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    pub side: Side,
    pub variable: Name,
    pub parents: Vec<Name>,
    /// A distribution with its flows, or a function. For several distributions, the first one.
    pub body: Expression,
    /// `(normal from x |> …) * (normal from w |> …) * standard_normal`, or `mixture of (…), (…)`: each of them. Empty if
    /// the factor is one distribution.
    pub experts: Vec<Expert>,
    /// What is made of the experts.
    pub joint: Joint,
    /// `mixture of q(z | x: w[k])`
    pub mixture: Option<Mixture>,
    pub network: Option<Expression>,
    /// `p(y | u)`
    pub head: Span,
}

impl Factor {
    /// The experts or components, those of a product within a mixture in place of the product.
    pub fn each_expert(&self) -> impl Iterator<Item = &Expert> {
        self.experts.iter().flat_map(|expert| match expert.product.as_slice() {
            [] => std::slice::from_ref(expert),
            product => product,
        })
    }
}

/// The term that an `objective` statement adds to the training objective or subtracts from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Addend {
    pub sign: Operator,
    pub scale: Option<Expression>,
    pub side: Side,
    pub variable: Name,
    pub parents: Vec<Name>,
    /// `q(y | x)`
    pub head: Span,
    /// The variable that must be observed for the term to count.
    pub condition: Option<Name>,
}

/// An average of a factor of q over several values of its inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    pub side: Side,
    pub variable: Name,
    /// The values that replace each variable: one before indices are expanded, then one for each value of the clause's
    /// index.
    pub values: Vec<(Name, Vec<Expression>)>,
    /// The number of values of the clause's index, once indices are expanded.
    pub components: usize,
    /// `q(z | x: w[k])`
    pub head: Span,
}

/// An expert of a product of experts, or a component of a mixture.
#[derive(Debug, Clone, PartialEq)]
pub struct Expert {
    /// Its distribution. For a product, that of its first expert.
    pub body: Expression,
    pub network: Option<Expression>,
    /// If a component of a mixture is a product of experts: each of them.
    pub product: Vec<Expert>,
    pub span: Span,
}

/// A name of the file, with the members of its family that are meant, if it has an index.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    pub text: String,
    pub span: Span,
    /// `[l - 1]`; empty without brackets.
    pub subscript: Vec<Selector>,
}

/// `l - 1`, `<l`, `1..L`: the selected values of an index.
#[derive(Debug, Clone, PartialEq)]
pub struct Selector {
    pub order: Option<Order>,
    pub value: Expression,
    /// The end of a range.
    pub to: Option<Expression>,
}

impl Selector {
    /// A name alone.
    pub fn as_word(&self) -> Option<&String> {
        let call = self.value.as_call().filter(|call| call.arguments.is_none() && call.name.subscript.is_empty())?;
        (self.order.is_none() && self.to.is_none()).then_some(&call.name.text)
    }
}

/// `<`, `<=`, `>`, `>=`: all values on one side of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Order {
    /// The operator as written in the language.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }
}

/// `for l in 3..1`
#[derive(Debug, Clone, PartialEq)]
pub struct Over {
    pub index: Name,
    pub set: Set,
    pub span: Span,
}

/// The values of an index, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Set {
    /// `1..L`, both ends included. The order may be descending.
    Range(Box<[Expression; 2]>),
    /// `[16, 8, 4]`
    List(Vec<Expression>),
}

/// The numbers of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Table {
    /// `runs(4: 4, 8: 8)`: 4 for the first four values of the index, 8 for the next eight.
    Runs(Vec<(Expression, Expression)>),
    /// `[4, 4, 8]`
    List(Vec<Expression>),
}

impl Name {
    /// A word without brackets.
    pub fn plain(text: impl Into<String>, span: Span) -> Self {
        Self { text: text.into(), span, subscript: Vec::new() }
    }

    /// The members of a family from one value to another, as one name, in a file whose indices are expanded.
    pub fn run(family: &str, first: i64, last: i64, span: Span) -> Self {
        let number = |value| Expression { kind: ExpressionKind::Number(Value::Int(value)), span };
        let selector = Selector { order: None, value: number(first), to: Some(number(last)) };
        Self { text: family.to_owned(), span, subscript: vec![selector] }
    }

    /// The first and the last value of such a range.
    pub fn ends(&self) -> Option<(i64, i64)> {
        let [Selector { order: None, value, to: Some(to) }] = self.subscript.as_slice() else { return None };
        match (&value.kind, &to.kind) {
            (ExpressionKind::Number(Value::Int(first)), ExpressionKind::Number(Value::Int(last))) => {
                Some((*first, *last))
            }
            _ => None,
        }
    }
}

/// `growth = 64`
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    pub name: Name,
    pub value: Value,
    pub value_span: Span,
}

/// An argument of a named network, with its space if the file states it.
#[derive(Debug, Clone, PartialEq)]
pub struct Formal {
    pub name: Name,
    pub space: Option<Space>,
}

/// `image[3, 32, 32]`
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    pub name: Name,
    pub sizes: Vec<Expression>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    pub kind: ExpressionKind,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ExpressionKind {
    Number(Value),
    /// A name alone, or with arguments.
    Call(Call),
    /// In parentheses.
    Group(Box<Expression>),
    Negate(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// `learned`, or `learned real[64]`: values that are trainable parameters.
    Learned(Option<Space>),
    /// `..32`, `4..8`, `32..`: an argument that is a range.
    Range(Option<Box<Expression>>, Option<Box<Expression>>),
    /// `a |> b |> c`: two or more stages.
    Pipeline(Vec<Expression>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub name: Name,
    /// The expression has no parentheses.
    pub arguments: Option<Vec<Argument>>,
}

/// `out: 16`, or `16`.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    pub name: Option<Name>,
    pub value: Expression,
}

impl Expression {
    /// The expression without the parentheses around it.
    pub fn ungrouped(&self) -> &Self {
        let mut inner = self;
        while let ExpressionKind::Group(expression) = &inner.kind {
            inner = expression;
        }
        inner
    }

    /// The call, if the expression is one.
    pub fn as_call(&self) -> Option<&Call> {
        match &self.ungrouped().kind {
            ExpressionKind::Call(call) => Some(call),
            _ => None,
        }
    }

    /// The stages of a pipeline; the expression itself if it is not a pipeline.
    pub fn stages(&self) -> &[Self] {
        match &self.kind {
            ExpressionKind::Pipeline(stages) => stages,
            ExpressionKind::Group(inner) => inner.stages(),
            _ => std::slice::from_ref(self),
        }
    }
}
