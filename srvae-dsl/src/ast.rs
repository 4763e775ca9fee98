//! The syntax tree: what the text says, with places, before any name is looked up.

use crate::source::Span;

/// A name with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    pub text: String,
    pub span: Span,
}

/// A whole file.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    pub items: Vec<Item>,
}

/// A statement with the doc comment above it.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub docs: Vec<String>,
    pub kind: ItemKind,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ItemKind {
    /// `model srvae`
    Model(Name),
    /// `param growth = 64`
    Param { name: Name, value: Expr },
    /// `preset quick { growth = 8 }`
    Preset { name: Name, settings: Vec<(Name, Expr)> },
    /// `latent u, z: real[16, 8, 8]`
    Variables { role: Name, names: Vec<Name>, space: Name, dims: Vec<Expr> },
    /// `net enc(h) = …`
    Net { name: Name, formals: Vec<Formal>, body: NetBody },
    /// `p(x | z) = …`
    Factor { side: Name, variable: Name, parents: Vec<Name>, head: Pipe, network: Option<Expr> },
    /// `bound KL_z = monte_carlo`
    Bound { term: Name, estimator: Name },
}

/// An argument of a named network; a shape only where the network is written in Rust.
#[derive(Debug, Clone, PartialEq)]
pub struct Formal {
    pub name: Name,
    pub space: Option<(Name, Vec<Expr>)>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum NetBody {
    Network(Expr),
    Rust { space: Name, dims: Vec<Expr>, path: String, path_span: Span },
}

/// What stands left of `from`: a distribution and bijectors over it, or a function.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipe {
    pub stages: Vec<Call>,
}

/// `encoder(growth: 64, steps: 3)`, or a bare name.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    pub name: Name,
    pub args: Vec<Arg>,
    pub span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Arg {
    pub name: Option<Name>,
    pub value: Expr,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Int(i64, Span),
    Real(f64, Span),
    Bool(bool, Span),
    /// A variable, a parameter, a block or a word: the checks know which.
    Name(Name),
    Call(Call),
    /// `input |> stage |> stage`
    Pipe { input: Box<Expr>, stages: Vec<Call> },
    Binary { operator: char, left: Box<Expr>, right: Box<Expr> },
    Negative(Box<Expr>, Span),
}

impl Expr {
    pub fn span(&self) -> Span {
        match self {
            Self::Int(_, span) | Self::Real(_, span) | Self::Bool(_, span) | Self::Negative(_, span) => *span,
            Self::Name(name) => name.span,
            Self::Call(call) => call.span,
            Self::Pipe { input, stages } => stages.iter().fold(input.span(), |span, stage| span.to(stage.span)),
            Self::Binary { left, right, .. } => left.span().to(right.span()),
        }
    }
}
