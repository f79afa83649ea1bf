//! The notation of statements, read: `a_t = ½(m₀² − w₀²) e^{−4A}` as a tree, for MathML and TeX.
//!
//! Subscripts are `_t` or `_{…}` or Unicode (₀), superscripts `^t`, `^{…}` or Unicode (², ᵀ, ⁻¹), roots `√t`
//! or `√(…)`. Runs of letters are words, but for the names of functions and known products of symbols
//! (`Zx`, `dt`).

/// One piece of a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    /// Words, as they stand.
    Words(String),
    /// Mathematics between two spaces.
    Math(Vec<Node>),
}

/// A node of mathematics.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// A variable.
    Symbol(String),
    /// A function or a word.
    Name(String),
    Number(String),
    Operator(String),
    Root(Vec<Node>),
    /// Base, subscript, superscript; one of the latter may be empty.
    Scripts(Box<Node>, Vec<Node>, Vec<Node>),
    /// A symbol under an accent.
    Accent(Box<Node>, char),
}

const FUNCTIONS: [&str; 14] = [
    "sinh", "cosh", "asinh", "atanh", "log", "exp", "sign", "min", "max", "argmin", "diag", "GD",
    "SGD", "PL",
];

/// Runs of letters that are products of symbols.
const PRODUCTS: [&str; 12] =
    ["Zx", "dt", "df", "da", "dR", "dx", "ds", "tp", "na", "cℓ", "mw", "pq"];

/// Splits a line into words and mathematics.
pub(super) fn line(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let chunks = chunks(text);
    for (k, chunk) in chunks.iter().enumerate() {
        let article = chunk == "a" && chunks.get(k + 1).is_some_and(|next| is_noun(next));
        if article || is_words(chunk) {
            match pieces.last_mut() {
                Some(Piece::Words(words)) => {
                    words.push(' ');
                    words.push_str(chunk);
                }
                _ => pieces.push(Piece::Words(chunk.clone())),
            }
        } else {
            let symbols: Vec<char> = chunk.chars().collect();
            pieces.push(Piece::Math(Reader { symbols: &symbols, at: 0 }.row(None)));
        }
    }
    pieces
}

/// The parts between spaces, where no brace or root is open.
fn chunks(text: &str) -> Vec<String> {
    let (mut out, mut chunk) = (Vec::new(), String::new());
    let (mut braces, mut root) = (0, 0);
    let mut previous = ' ';
    for c in text.chars() {
        match c {
            '{' if matches!(previous, '_' | '^') || braces > 0 => braces += 1,
            '}' if braces > 0 => braces -= 1,
            '(' if previous == '√' || root > 0 => root += 1,
            ')' if root > 0 => root -= 1,
            _ => {}
        }
        if c == ' ' && braces == 0 && root == 0 {
            out.push(std::mem::take(&mut chunk));
        } else {
            chunk.push(c);
        }
        previous = c;
    }
    out.push(chunk);
    out.retain(|c| !c.is_empty());
    out
}

/// Whether a part is prose: two or more plain letters, with a hyphen or punctuation.
fn is_words(chunk: &str) -> bool {
    let bare = chunk.trim_matches([',', '.', ':', ';', '(', ')']);
    let letters = bare.chars().filter(|c| c.is_ascii_alphabetic()).count();
    let plain = bare.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '-' | '\''));
    let product = PRODUCTS.contains(&bare.trim_end_matches('\''));
    (plain && letters >= 2 && !FUNCTIONS.contains(&bare) && !product)
        || chunk.chars().all(|c| matches!(c, ',' | ':' | ';' | '.'))
}

/// Whether a word after `a` makes it the article: none that says something of the scale a.
fn is_noun(word: &str) -> bool {
    const OF_A_SCALE: [&str; 12] =
        ["for", "falls", "must", "that", "grows", "from", "taken", "in", "at", "is", "and", "or"];
    is_words(word) && !OF_A_SCALE.contains(&word)
}

struct Reader<'a> {
    symbols: &'a [char],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.symbols.get(self.at).copied()
    }

    /// Nodes up to `close`, which is consumed, or the end.
    fn row(&mut self, close: Option<char>) -> Vec<Node> {
        let mut out = Vec::new();
        let mut depth = 0;
        while let Some(c) = self.peek() {
            if Some(c) == close && depth == 0 {
                self.at += 1;
                break;
            }
            match (c, close) {
                ('(', Some(')')) | ('{', Some('}')) => depth += 1,
                (')', Some(')')) | ('}', Some('}')) => depth -= 1,
                _ => {}
            }
            if c == ' ' {
                self.at += 1;
                continue;
            }
            let node = self.atom();
            out.push(self.scripted(node));
        }
        out
    }

    fn atom(&mut self) -> Node {
        let c = self.symbols[self.at];
        if c.is_ascii_alphabetic() {
            let run: String =
                self.symbols[self.at..].iter().take_while(|c| c.is_ascii_alphabetic()).collect();
            // The longest known name, else a word, else a single letter.
            let known = FUNCTIONS.iter().find(|f| **f == run);
            if known.is_some() || (run.len() > 2 && !PRODUCTS.contains(&run.as_str())) {
                self.at += run.len();
                return Node::Name(run);
            }
            self.at += 1;
            return self.accented(Node::Symbol(c.to_string()));
        }
        if c.is_ascii_digit() {
            let mut number = String::new();
            while let Some(d) = self.peek() {
                let inside =
                    d == '.' && self.symbols.get(self.at + 1).is_some_and(char::is_ascii_digit);
                let exponent = matches!(d, 'e') && {
                    let next = self.symbols.get(self.at + 1);
                    next.is_some_and(|n| n.is_ascii_digit() || *n == '-')
                };
                let sign = d == '-' && number.ends_with('e');
                if !(d.is_ascii_digit() || inside || exponent || sign) {
                    break;
                }
                number.push(d);
                self.at += 1;
            }
            return Node::Number(number);
        }
        self.at += 1;
        match c {
            '√' => Node::Root(match self.peek() {
                Some('(') => {
                    self.at += 1;
                    self.row(Some(')'))
                }
                Some(_) => {
                    // Of a function with its argument: `√f(x_t)`.
                    let node = self.atom();
                    let mut nodes = vec![node];
                    if matches!(nodes[0], Node::Symbol(_)) && self.peek() == Some('(') {
                        self.at += 1;
                        nodes.push(Node::Operator("(".into()));
                        nodes.extend(self.row(Some(')')));
                        nodes.push(Node::Operator(")".into()));
                    }
                    nodes
                }
                None => Vec::new(),
            }),
            '½' | '¼' | '∞' => Node::Number(c.to_string()),
            c if c.is_alphabetic() || matches!(c, '∇' | '∂' | '∫' | 'Σ' | 'Π' | '…') => {
                match c {
                    '∫' | 'Σ' | 'Π' => Node::Operator(c.to_string()),
                    _ => self.accented(Node::Symbol(c.to_string())),
                }
            }
            c => Node::Operator(c.to_string()),
        }
    }

    /// A combining tilde or hat over what was just read.
    fn accented(&mut self, node: Node) -> Node {
        match self.peek() {
            Some(mark @ ('\u{303}' | '\u{302}')) => {
                self.at += 1;
                Node::Accent(Box::new(node), if mark == '\u{303}' { '~' } else { '^' })
            }
            _ => node,
        }
    }

    fn scripted(&mut self, base: Node) -> Node {
        let (mut below, mut above) = (Vec::new(), Vec::new());
        while let Some(c) = self.peek() {
            if let Some(sub) = subscript(c) {
                below.push(plain(sub));
                self.at += 1;
            } else if let Some(sup) = superscript(c) {
                above.push(plain(sup));
                self.at += 1;
            } else if matches!(c, '_' | '^') && self.at + 1 < self.symbols.len() {
                self.at += 1;
                let nodes = if self.peek() == Some('{') {
                    self.at += 1;
                    self.row(Some('}'))
                } else {
                    let index: Vec<char> = self.symbols[self.at..]
                        .iter()
                        .take_while(|c| c.is_ascii_alphanumeric())
                        .copied()
                        .collect();
                    // `x_ij` is one index; `a_∞` a single symbol.
                    if index.is_empty() {
                        vec![self.atom()]
                    } else {
                        self.at += index.len();
                        vec![Node::Symbol(index.into_iter().collect())]
                    }
                };
                if c == '_' { below.extend(nodes) } else { above.extend(nodes) }
            } else if c == '\'' || c == '*' && !matches!(base, Node::Operator(_)) {
                above.push(Node::Operator(if c == '\'' { "′".into() } else { "*".into() }));
                self.at += 1;
            } else {
                break;
            }
        }
        if below.is_empty() && above.is_empty() {
            base
        } else {
            Node::Scripts(Box::new(base), below, above)
        }
    }
}

fn plain(c: char) -> Node {
    if c.is_ascii_digit() {
        Node::Number(c.to_string())
    } else if c.is_alphabetic() {
        Node::Symbol(c.to_string())
    } else {
        Node::Operator(c.to_string())
    }
}

fn subscript(c: char) -> Option<char> {
    let found = "₀₁₂₃₄₅₆₇₈₉".chars().position(|s| s == c)?;
    char::from_digit(found as u32, 10)
}

fn superscript(c: char) -> Option<char> {
    let pairs = [
        ('⁰', '0'),
        ('¹', '1'),
        ('²', '2'),
        ('³', '3'),
        ('⁴', '4'),
        ('⁵', '5'),
        ('⁶', '6'),
        ('⁷', '7'),
        ('⁸', '8'),
        ('⁹', '9'),
        ('⁻', '−'),
        ('ᵀ', 'T'),
        ('ᵗ', 't'),
        ('ᵏ', 'k'),
        ('ᵖ', 'p'),
        ('ˢ', 's'),
    ];
    pairs.iter().find(|(s, _)| *s == c).map(|(_, plain)| *plain)
}

#[cfg(test)]
mod tests {
    use super::{Node, Piece, line};
    use crate::registry;

    #[test]
    fn words_and_mathematics_are_told_apart() {
        let pieces = line("convex f: f(x_t) → min f");
        assert_eq!(pieces[0], Piece::Words("convex".into()));
        assert!(matches!(&pieces[1], Piece::Math(nodes) if nodes[0] == Node::Symbol("f".into())));
        assert_eq!(pieces.len(), 6);
        assert_eq!(line("what a limit asks for"), [Piece::Words("what a limit asks for".into())]);
        for scale in ["log a falls", "1 + ε for a", "a ≥ 1", "log a from"] {
            let is_a =
                |p: &Piece| matches!(p, Piece::Math(n) if n[..] == [Node::Symbol("a".into())]);
            assert!(line(scale).iter().any(is_a), "{scale}");
        }
        assert!(matches!(&line("mw' = 1")[0], Piece::Math(_)));
    }

    #[test]
    fn scripts_roots_and_accents_are_read() {
        let [Piece::Math(nodes)] = &line("e^{−4A_∞}√(x²+a²)θ̃Zᵀν*")[..] else {
            panic!("one piece")
        };
        let Node::Scripts(base, below, above) = &nodes[0] else { panic!("e with a power") };
        assert_eq!((&**base, below.len()), (&Node::Symbol("e".into()), 0));
        assert_eq!(above.len(), 3);
        assert!(matches!(&nodes[1], Node::Root(inside) if inside.len() == 3));
        assert!(matches!(&nodes[2], Node::Accent(_, '~')));
        let [Piece::Math(whole)] = &line("√f(x_t)")[..] else { panic!("one piece") };
        assert!(matches!(&whole[..], [Node::Root(inside)] if inside.len() == 4), "{whole:?}");
        assert!(matches!(&nodes[3], Node::Scripts(..)) && matches!(&nodes[4], Node::Scripts(..)));
    }

    #[test]
    fn every_statement_is_read_to_the_end() {
        fn characters(nodes: &[Node]) -> usize {
            let of = |node: &Node| match node {
                Node::Symbol(s) | Node::Name(s) | Node::Number(s) | Node::Operator(s) => {
                    s.chars().count()
                }
                Node::Root(inside) => 1 + characters(inside),
                Node::Scripts(base, below, above) => {
                    characters(std::slice::from_ref(base)) + characters(below) + characters(above)
                }
                Node::Accent(base, _) => 1 + characters(std::slice::from_ref(base)),
            };
            nodes.iter().map(of).sum()
        }
        for claim in registry() {
            for text in claim.statements.iter().map(|s| s.text).chain(claim.assumptions.clone()) {
                // Spaces, `_`, `^` and the brackets they and √ bring with them are spent.
                let spent = |c: &char| !matches!(c, ' ' | '_' | '^' | '{' | '}' | '(' | ')');
                let given = text.chars().filter(spent).count();
                let brackets = text.chars().filter(|c| matches!(c, '(' | ')' | '{' | '}')).count();
                let read: usize = line(text)
                    .iter()
                    .map(|piece| match piece {
                        Piece::Words(words) => words.chars().filter(|c| *c != ' ').count(),
                        Piece::Math(nodes) => characters(nodes),
                    })
                    .sum();
                assert!((given..=given + brackets).contains(&read), "{text}: {read} of {given}");
            }
        }
    }
}
