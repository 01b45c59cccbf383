//! The `scp_codes` column: a dictionary as Python prints it, `{'NORM': 100.0, 'SR': 0.0}`.

use crate::Code;

/// What is wrong with a dictionary, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    /// The character, counted from 1.
    pub at: usize,
    /// What was expected.
    pub message: &'static str,
}

type Parsed<T> = Result<T, Malformed>;

/// Reads a dictionary of codes and likelihoods (percent), in its order.
pub(super) fn parse(text: &str) -> Parsed<Vec<Code>> {
    let mut cursor = Cursor { text, at: 0 };
    let mut codes: Vec<Code> = Vec::new();
    cursor.expect('{', "expected `{`")?;
    while !cursor.take('}') {
        let start = cursor.at;
        let code = cursor.string()?;
        if codes.iter().any(|known| known.code == code) {
            return Err(Malformed { at: cursor.character(start), message: "the code appears twice" });
        }
        cursor.expect(':', "expected `:` after a code")?;
        let likelihood = cursor.percentage()?;
        codes.push(Code { code, likelihood });
        if !cursor.take(',') {
            cursor.expect('}', "expected `,` or `}` after a likelihood")?;
            break;
        }
    }
    cursor.skip_space();
    if cursor.at < text.len() {
        return cursor.fail("expected nothing after `}`");
    }
    Ok(codes)
}

struct Cursor<'a> {
    text: &'a str,
    /// The next byte.
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The number, from 1, of the character at a byte.
    fn character(&self, at: usize) -> usize {
        self.text[..at].chars().count() + 1
    }

    fn fail<T>(&self, message: &'static str) -> Parsed<T> {
        Err(Malformed { at: self.character(self.at), message })
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn take(&mut self, wanted: char) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn expect(&mut self, wanted: char, message: &'static str) -> Parsed<()> {
        if self.take(wanted) { Ok(()) } else { self.fail(message) }
    }

    /// A non-empty string in single or double quotes. No code needs an escape, so a backslash is an error.
    fn string(&mut self) -> Parsed<String> {
        let quote = if self.take('\'') {
            '\''
        } else if self.take('"') {
            '"'
        } else {
            return self.fail("expected a code in quotes");
        };
        let rest = self.rest();
        match rest.find(quote) {
            Some(0) => self.fail("the code is empty"),
            Some(length) if !rest[..length].contains('\\') => {
                self.at += length + quote.len_utf8();
                Ok(rest[..length].to_owned())
            }
            Some(_) => self.fail("expected a code without backslashes"),
            None => self.fail("the quote is not closed"),
        }
    }

    /// A number from 0 to 100.
    fn percentage(&mut self) -> Parsed<f32> {
        self.skip_space();
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E')))
            .unwrap_or(rest.len());
        match rest[..length].parse::<f32>() {
            Ok(number) if (0.0..=100.0).contains(&number) => {
                self.at += length;
                Ok(number)
            }
            _ => self.fail("expected a likelihood from 0 to 100"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_python_prints() {
        let codes = parse("{'NORM': 100.0, 'LVOLT': 0.0, \"PRC(S)\" : 15 }").unwrap();
        let pairs: Vec<_> = codes.iter().map(|c| (c.code.as_str(), c.likelihood)).collect();
        assert_eq!(pairs, [("NORM", 100.0), ("LVOLT", 0.0), ("PRC(S)", 15.0)]);
        assert_eq!(parse("{}").unwrap(), []);
        assert_eq!(parse(" { 'SR' : 0.0 , } ").unwrap().len(), 1);
    }

    #[test]
    fn says_where_it_is_malformed() {
        let cases = [
            ("", 1, "expected `{`"),
            ("['NORM']", 1, "expected `{`"),
            ("{NORM: 100.0}", 2, "expected a code in quotes"),
            ("{'NORM: 100.0}", 3, "the quote is not closed"),
            ("{'': 100.0}", 3, "the code is empty"),
            ("{'NO\\'RM': 1}", 3, "expected a code without backslashes"),
            ("{'NORM' 100.0}", 9, "expected `:` after a code"),
            ("{'NORM': nan}", 10, "expected a likelihood from 0 to 100"),
            ("{'NORM': -1}", 10, "expected a likelihood from 0 to 100"),
            ("{'NORM': 101}", 10, "expected a likelihood from 0 to 100"),
            ("{'NORM': }", 10, "expected a likelihood from 0 to 100"),
            ("{'NORM': 1 'SR': 0}", 12, "expected `,` or `}` after a likelihood"),
            ("{'NORM': 1", 11, "expected `,` or `}` after a likelihood"),
            ("{'NORM': 1,, 'SR': 0}", 12, "expected a code in quotes"),
            ("{'SR': 0, 'SR': 0}", 11, "the code appears twice"),
            ("{'ä': 0} 'SR'", 10, "expected nothing after `}`"),
        ];
        for (text, at, message) in cases {
            assert_eq!(parse(text), Err(Malformed { at, message }), "{text}");
        }
    }
}
