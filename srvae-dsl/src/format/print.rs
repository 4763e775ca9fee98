//! Statements and expressions as text.

use crate::ast::{
    Addend, Argument, Call, Expert, Expression, ExpressionKind, Factor, Formal, Item, ItemKind, Name, NetBody, Order,
    Set, Setting, Space, Table,
};
use crate::graph::{Joint, Side};
use crate::source::{Source, Span};

/// The maximum width of a line.
const WIDTH: usize = 120;

/// Prints the statements between two blank lines.
pub(super) struct Printer<'a> {
    source: &'a Source,
    /// The widths of the longest role and of the longest left-hand side of a factor in the run.
    role: usize,
    head: usize,
    /// The width of the longest name of a `let` in the run.
    lets: usize,
}

impl<'a> Printer<'a> {
    pub(super) fn new<'i>(source: &'a Source, items: impl Iterator<Item = &'i Item>) -> Self {
        let mut printer = Self { source, role: 0, head: 0, lets: 0 };
        for item in items {
            match &item.kind {
                ItemKind::Variables { role, .. } => printer.role = printer.role.max(role.name().len()),
                ItemKind::Let { name, .. } | ItemKind::Flow { name, .. } => {
                    printer.lets = printer.lets.max(width(&printer.name(name)));
                }
                ItemKind::Factor(factor) => printer.head = printer.head.max(width(&printer.factor_head(factor))),
                _ => {}
            }
        }
        printer
    }

    pub(super) fn statement(&self, item: &Item, out: &mut String) {
        let text = match &item.kind {
            ItemKind::Model(name) => format!("model {}", name.text),
            ItemKind::Param(setting) => format!("param {}", self.setting(setting)),
            ItemKind::Preset { name, settings } => self.preset(name, settings),
            ItemKind::Variables { role, names, space } => {
                let (role, width) = (role.name(), self.role);
                format!("{role:width$} {}: {}", self.list(names), self.space(space))
            }
            ItemKind::Net { name, formals, output, body } => self.net(name, formals, output.as_ref(), body),
            ItemKind::Let { name, value: Expression { kind: ExpressionKind::Learned(Some(space)), span } }
                if self.source.slice(Span::new(item.span.start, span.start)).starts_with("learned") =>
            {
                format!("learned {}: {}", self.name(name), self.space(space))
            }
            ItemKind::Let { name, value } => {
                let columns = self.lets;
                let start = format!("let {:columns$} = ", self.name(name));
                let column = width(&start);
                start + &self.expression(value, column)
            }
            ItemKind::Flow { name, value } => {
                let columns = self.lets;
                let start = format!("flow {:columns$} = ", self.name(name));
                let column = width(&start);
                start + &self.expression(value, column)
            }
            ItemKind::Factor(factor) => self.factor(factor),
            ItemKind::Bound { term, estimator } => format!("bound {} = {}", self.name(term), estimator.text),
            ItemKind::Draw { variable, method } => format!("draw {} = {}", self.name(variable), self.call(method)),
            ItemKind::Weight { term, value } => format!("weight {} = {}", self.name(term), self.flat(value)),
            ItemKind::Objective(addends) => self.objective(addends),
            ItemKind::Table { name, index, values } => {
                format!("param {}[{}] = {}", name.text, index.text, self.table(values))
            }
            ItemKind::Index { name, set } => format!("index {} in {}", name.text, self.set(set)),
            ItemKind::Checkpoint { index, every } => format!("checkpoint {} = {}", index.text, self.flat(every)),
            ItemKind::Length { name, value: None } => format!("length {}", name.text),
            ItemKind::Length { name, value: Some(value) } => format!("length {} = {value}", name.text),
        };
        out.push_str(&text);
        if let Some(over) = &item.over {
            let clause = format!("for {} in {}", over.index.text, self.set(&over.set));
            let last = text.lines().last().map_or(0, width);
            match last + 1 + width(&clause) <= WIDTH {
                true => out.push(' '),
                false => out.push_str("\n    "),
            }
            out.push_str(&clause);
        }
    }

    /// The addends of an objective, one per line if one line is not enough.
    fn objective(&self, addends: &[Addend]) -> String {
        let each: Vec<String> = addends.iter().map(|addend| self.addend(addend)).collect();
        let start = "objective ";
        let flat = format!("{start}{}", each.join(" "));
        if width(&flat) <= WIDTH {
            return flat;
        }
        let column = start.len();
        start.to_owned() + &each.join(&format!("\n{:column$}", ""))
    }

    fn addend(&self, addend: &Addend) -> String {
        let scale = addend.scale.as_ref().map_or_else(String::new, |scale| format!("{} * ", self.flat(scale)));
        let head = self.head_of(addend.side, &addend.variable, &addend.parents);
        let condition = addend.condition.as_ref();
        let condition = condition.map_or_else(String::new, |name| format!(" where {} is observed", self.name(name)));
        format!("{} {scale}ln {head}{condition}", addend.sign.sign())
    }

    fn setting(&self, setting: &Setting) -> String {
        let value = self.source.slice(setting.value_span).split_whitespace().collect::<String>();
        format!("{} = {value}", setting.name.text)
    }

    fn preset(&self, name: &Name, settings: &[Setting]) -> String {
        let settings: Vec<_> = settings.iter().map(|setting| self.setting(setting)).collect();
        if settings.is_empty() {
            return format!("preset {} {{}}", name.text);
        }
        let flat = format!("preset {} {{ {} }}", name.text, settings.join(", "));
        if width(&flat) <= WIDTH {
            return flat;
        }
        let lines: String = settings.iter().map(|setting| format!("    {setting},\n")).collect();
        format!("preset {} {{\n{lines}}}", name.text)
    }

    fn space(&self, space: &Space) -> String {
        let sizes: Vec<_> = space.sizes.iter().map(|size| self.flat(size)).collect();
        format!("{}[{}]", space.name.text, sizes.join(", "))
    }

    fn net(&self, name: &Name, formals: &[Formal], output: Option<&Space>, body: &NetBody) -> String {
        let formals: Vec<_> = formals
            .iter()
            .map(|formal| match &formal.space {
                Some(space) => format!("{}: {}", formal.name.text, self.space(space)),
                None => formal.name.text.clone(),
            })
            .collect();
        let output = output.map(|space| format!(" -> {}", self.space(space))).unwrap_or_default();
        let head = format!("net {}({}){output} = ", self.name(name), formals.join(", "));
        match body {
            NetBody::Rust(path) => format!("{head}rust \"{}\"", path.text),
            NetBody::Expression(expression) => {
                let column = width(&head);
                head + &self.expression(expression, column)
            }
        }
    }

    fn factor(&self, factor: &Factor) -> String {
        let columns = self.head;
        let start = format!("{:columns$} = ", self.factor_head(factor));
        let column = width(&start);
        if !factor.experts.is_empty() {
            return start + &self.experts(factor, column);
        }
        if let Some(mixture) = &factor.mixture {
            let values = mixture.values.iter().flat_map(|(name, each)| each.iter().map(move |value| (name, value)));
            let values = values.map(|(name, value)| format!("{}: {}", self.name(name), self.flat(value)));
            let (side, name, values) = (mixture.side.name(), self.name(&mixture.variable), values.collect::<Vec<_>>());
            return format!("{start}mixture of {side}({name} | {})", values.join(", "));
        }
        let body = self.flat(&factor.body);
        let Some(network) = &factor.network else {
            return start + &self.expression(&factor.body, column);
        };
        let flat = format!("{start}{body} from {}", self.flat(network));
        if width(&flat) <= WIDTH {
            return flat;
        }
        let body = self.expression(&factor.body, column);
        let from = "from ";
        format!("{start}{body}\n{:column$}{from}{}", "", self.expression(network, column + from.len()))
    }

    /// Several distributions, with one of them per line if one line is not enough.
    fn experts(&self, factor: &Factor, column: usize) -> String {
        let is_bare = |expert: &Expert| expert.network.is_none() && expert.product.is_empty();
        let each = factor.experts.iter().map(|expert| match factor.joint {
            // A component is always in parentheses.
            Joint::Mean if is_bare(expert) => format!("({})", self.expert(expert)),
            Joint::Mean | Joint::Product => self.expert(expert),
        });
        let each: Vec<String> = each.collect();
        let (start, sign) = match factor.joint {
            Joint::Product => ("", " *"),
            Joint::Mean => ("mixture of ", ","),
        };
        let (flat, column) = (start.to_owned() + &each.join(&format!("{sign} ")), column + width(start));
        let fits = column + width(&flat) <= WIDTH;
        if fits { flat } else { start.to_owned() + &each.join(&format!("{sign}\n{:column$}", "")) }
    }

    fn expert(&self, expert: &Expert) -> String {
        match &expert.network {
            Some(network) => format!("({} from {})", self.flat(&expert.body), self.flat(network)),
            None if expert.product.is_empty() => self.flat(&expert.body),
            None => {
                let each: Vec<String> = expert.product.iter().map(|expert| self.expert(expert)).collect();
                format!("({})", each.join(" * "))
            }
        }
    }

    /// An expression that starts in this column, broken into lines if one is not enough.
    fn expression(&self, expression: &Expression, column: usize) -> String {
        let flat = self.flat(expression);
        if column + width(&flat) <= WIDTH {
            return flat;
        }
        match &expression.kind {
            ExpressionKind::Pipeline(stages) => {
                let first = stages.first().map(|stage| self.expression(stage, column)).unwrap_or_default();
                let pipe = "|> ";
                let rest = stages.iter().skip(1);
                let rest =
                    rest.map(|stage| format!("\n{:column$}{pipe}{}", "", self.expression(stage, column + pipe.len())));
                first + &rest.collect::<String>()
            }
            ExpressionKind::Group(inner) => format!("({})", self.expression(inner, column + 1)),
            ExpressionKind::Call(Call { name, arguments: Some(arguments) }) => {
                let name = self.name(name);
                let inside = column + width(&name) + 1;
                let arguments: Vec<_> = arguments.iter().map(|argument| self.argument(argument, inside)).collect();
                format!("{name}({})", arguments.join(&format!(",\n{:inside$}", "")))
            }
            _ => flat,
        }
    }

    fn argument(&self, argument: &Argument, column: usize) -> String {
        match &argument.name {
            Some(name) => {
                let start = format!("{}: ", name.text);
                let column = column + width(&start);
                start + &self.expression(&argument.value, column)
            }
            None => self.expression(&argument.value, column),
        }
    }

    /// A call on one line.
    fn call(&self, call: &Call) -> String {
        let Some(arguments) = &call.arguments else { return self.name(&call.name) };
        let argument = |argument: &Argument| match &argument.name {
            Some(name) => format!("{}: {}", name.text, self.flat(&argument.value)),
            None => self.flat(&argument.value),
        };
        format!("{}({})", self.name(&call.name), arguments.iter().map(argument).collect::<Vec<_>>().join(", "))
    }

    /// `z[l - 1]`
    fn name(&self, name: &Name) -> String {
        if name.subscript.is_empty() {
            return name.text.clone();
        }
        let selectors = name.subscript.iter().map(|selector| {
            let order = selector.order.map_or("", Order::sign);
            let to = selector.to.as_ref().map_or_else(String::new, |to| format!("..{}", self.flat(to)));
            format!("{order}{}{to}", self.flat(&selector.value))
        });
        format!("{}[{}]", name.text, selectors.collect::<Vec<_>>().join(", "))
    }

    fn list(&self, names: &[Name]) -> String {
        names.iter().map(|name| self.name(name)).collect::<Vec<_>>().join(", ")
    }

    fn factor_head(&self, factor: &Factor) -> String {
        self.head_of(factor.side, &factor.variable, &factor.parents)
    }

    /// `p(y | u)`
    fn head_of(&self, side: Side, variable: &Name, parents: &[Name]) -> String {
        let bar = if parents.is_empty() { String::new() } else { format!(" | {}", self.list(parents)) };
        format!("{}({}{bar})", side.name(), self.name(variable))
    }

    fn set(&self, set: &Set) -> String {
        match set {
            Set::Range(ends) => format!("{}..{}", self.flat(&ends[0]), self.flat(&ends[1])),
            Set::List(values) => format!("[{}]", self.all(values)),
        }
    }

    fn table(&self, table: &Table) -> String {
        match table {
            Table::List(values) => format!("[{}]", self.all(values)),
            Table::Runs(runs) => {
                let runs = runs.iter().map(|(value, count)| format!("{}: {}", self.flat(value), self.flat(count)));
                format!("runs({})", runs.collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn all(&self, values: &[Expression]) -> String {
        values.iter().map(|value| self.flat(value)).collect::<Vec<_>>().join(", ")
    }

    /// An expression on one line.
    fn flat(&self, expression: &Expression) -> String {
        match &expression.kind {
            ExpressionKind::Number(_) => self.source.slice(expression.span).to_owned(),
            ExpressionKind::Call(call) => self.call(call),
            ExpressionKind::Group(inner) => format!("({})", self.flat(inner)),
            ExpressionKind::Range(from, to) => {
                let end = |end: &Option<Box<Expression>>| end.as_ref().map_or_else(String::new, |end| self.flat(end));
                format!("{}..{}", end(from), end(to))
            }
            ExpressionKind::Learned(None) => "learned".to_owned(),
            ExpressionKind::Learned(Some(space)) => format!("learned {}", self.space(space)),
            ExpressionKind::Negate(inner) => format!("-{}", self.flat(inner)),
            ExpressionKind::Binary(operator, left, right) => {
                format!("{} {} {}", self.flat(left), operator.sign(), self.flat(right))
            }
            ExpressionKind::Pipeline(stages) => {
                stages.iter().map(|stage| self.flat(stage)).collect::<Vec<_>>().join(" |> ")
            }
        }
    }
}

fn width(text: &str) -> usize {
    text.chars().count()
}
