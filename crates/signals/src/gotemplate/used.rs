//! What a template asks for, without rendering it: for a linter that knows which labels an expression keeps.

use std::collections::BTreeSet;

use super::node::{Branch, Command, Node, Operand, Pipe, Term, Trees};

/// What a template asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Used {
    /// The labels of the alert that it names.
    pub labels: BTreeSet<String>,
    /// The labels of this installation that it names.
    pub external_labels: BTreeSet<String>,
    /// The variables that it uses, its own too, such as `$labels`; not those that it only declares.
    pub variables: BTreeSet<String>,
    /// The functions that it calls.
    pub functions: BTreeSet<String>,
    /// The queries that it writes out.
    pub queries: BTreeSet<String>,
    /// Whether it uses the alert's value.
    pub value: bool,
    /// Whether it uses all labels at once, as in `{{ $labels }}` or a `range` over them.
    pub all_labels: bool,
}

/// What a variable or the dot stands for, as far as it can be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Data,
    Labels,
    ExternalLabels,
    Value,
    Other,
}

struct Reader {
    used: Used,
    variables: Vec<(String, Stands)>,
}

/// What a text's templates ask for. The first nodes are the declarations that Prometheus makes.
pub(super) fn used(trees: &Trees) -> Used {
    let mut reader = Reader { used: Used::default(), variables: vec![("$".to_owned(), Stands::Data)] };
    let given = super::VARIABLES.matches(":=").count();
    reader.nodes(Stands::Data, trees.main.get(..given).unwrap_or(&[]));
    // What the declarations asked for, the template itself did not.
    reader.used = Used::default();
    reader.nodes(Stands::Data, trees.main.get(given..).unwrap_or(&[]));
    for list in trees.named.values() {
        reader.variables = vec![("$".to_owned(), Stands::Other)];
        reader.nodes(Stands::Other, list);
    }
    reader.used
}

impl Reader {
    fn nodes(&mut self, dot: Stands, nodes: &[Node]) {
        for node in nodes {
            match node {
                Node::Text(_) | Node::Break | Node::Continue => {}
                Node::Action(pipe) => {
                    let stands = self.pipe(dot, pipe);
                    if pipe.variables.is_empty() {
                        self.whole(stands);
                    }
                }
                Node::If(branch) => self.branch(dot, branch, |_| dot),
                Node::With(branch) => self.branch(dot, branch, |stands| stands),
                Node::Range(branch) => self.range(dot, branch),
                Node::Template(call) => {
                    if let Some(pipe) = &call.pipe {
                        let stands = self.pipe(dot, pipe);
                        self.whole(stands);
                    }
                }
            }
        }
    }

    /// Notes that something is used as a whole.
    fn whole(&mut self, stands: Stands) {
        self.used.all_labels |= matches!(stands, Stands::Data | Stands::Labels);
        self.used.value |= matches!(stands, Stands::Data | Stands::Value);
    }

    fn branch(&mut self, dot: Stands, branch: &Branch, inner: impl Fn(Stands) -> Stands) {
        let known = self.variables.len();
        let stands = self.pipe(dot, &branch.pipe);
        if stands == Stands::Value {
            self.used.value = true;
        }
        self.nodes(inner(stands), &branch.list);
        self.nodes(dot, &branch.otherwise);
        self.variables.truncate(known);
    }

    fn range(&mut self, dot: Stands, branch: &Branch) {
        let known = self.variables.len();
        let stands = self.pipe(dot, &branch.pipe);
        self.whole(stands);
        for (_, stands) in self.variables.iter_mut().skip(known) {
            *stands = Stands::Other;
        }
        self.nodes(Stands::Other, &branch.list);
        self.nodes(dot, &branch.otherwise);
        self.variables.truncate(known);
    }

    /// Reads a pipeline and says what its value stands for.
    fn pipe(&mut self, dot: Stands, pipe: &Pipe) -> Stands {
        let mut stands = Stands::Other;
        for (i, command) in pipe.commands.iter().enumerate() {
            if i > 0 {
                self.whole(stands);
            }
            stands = self.command(dot, command);
        }
        for name in &pipe.variables {
            self.variables.push((name.clone(), stands));
        }
        stands
    }

    fn command(&mut self, dot: Stands, command: &Command) -> Stands {
        let Command { first, rest, .. } = command;
        let indexed = matches!(&first.term, Term::Function(name) if name == "index");
        let stands = self.operand(dot, first);
        let mut operands = rest.iter();
        if indexed && let (Some(of), Some(Operand { term: Term::Text { text, .. }, .. })) = (rest.first(), rest.get(1))
        {
            let of = self.operand(dot, of);
            self.field(of, text);
            operands = rest.get(2..).unwrap_or(&[]).iter();
        }
        if matches!(&first.term, Term::Function(name) if name == "query")
            && let Some(Operand { term: Term::Text { text, .. }, .. }) = rest.first()
        {
            self.used.queries.insert(text.clone());
        }
        for operand in operands {
            let stands = self.operand(dot, operand);
            self.whole(stands);
        }
        stands
    }

    fn operand(&mut self, dot: Stands, operand: &Operand) -> Stands {
        match &operand.term {
            Term::Dot => dot,
            Term::Field(names) => self.fields(dot, names),
            Term::Variable(name, names) => {
                let stands = self.variable(name);
                self.fields(stands, names)
            }
            Term::Chain(base, names) => {
                let stands = self.operand(dot, base);
                self.fields(stands, names)
            }
            Term::Pipe(pipe) => {
                let known = self.variables.len();
                let stands = self.pipe(dot, pipe);
                self.variables.truncate(known);
                stands
            }
            Term::Function(name) => {
                self.used.functions.insert(name.clone());
                Stands::Other
            }
            Term::Nil | Term::Bool(_) | Term::Number(_) | Term::Text { .. } => Stands::Other,
        }
    }

    fn variable(&mut self, name: &str) -> Stands {
        self.used.variables.insert(name.to_owned());
        self.variables.iter().rev().find(|(known, _)| known == name).map_or(Stands::Other, |(_, stands)| *stands)
    }

    fn fields(&mut self, base: Stands, names: &[String]) -> Stands {
        names.iter().fold(base, |stands, name| self.field(stands, name))
    }

    fn field(&mut self, of: Stands, name: &str) -> Stands {
        match (of, name) {
            (Stands::Data, "Labels") => Stands::Labels,
            (Stands::Data, "ExternalLabels") => Stands::ExternalLabels,
            (Stands::Data, "Value") => Stands::Value,
            (Stands::Labels, label) => {
                self.used.labels.insert(label.to_owned());
                Stands::Other
            }
            (Stands::ExternalLabels, label) => {
                self.used.external_labels.insert(label.to_owned());
                Stands::Other
            }
            _ => Stands::Other,
        }
    }
}
