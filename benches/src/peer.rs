//! A process that does one thing for every line it is sent and answers with a line.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::Result;

/// The process. When it is dropped its input ends, and so does it.
#[derive(Debug)]
pub struct Peer {
    process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    hello: Value,
}

impl Peer {
    /// Starts `command` and waits for its first line, a JSON object.
    pub fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start `{name}`: {error}"))?;
        let input = process.stdin.take().ok_or("no pipe to the process")?;
        let mut output = BufReader::new(process.stdout.take().ok_or("no pipe from the process")?).lines();
        let first = output.next().ok_or_else(|| format!("`{name}` ended before its first line"))??;
        Ok(Self { hello: serde_json::from_str(&first)?, process, input, output })
    }

    /// A number of the first line.
    pub fn number(&self, key: &str) -> Result<f64> {
        Ok(self.hello[key].as_f64().ok_or_else(|| format!("the first line lacks {key}: {}", self.hello))?)
    }

    /// A text of the first line.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.hello[key].as_str()
    }

    /// Sends a line; the answer.
    pub fn ask(&mut self, request: &str) -> Result<Value> {
        writeln!(self.input, "{request}")?;
        self.answer()
    }

    /// Sends a line; the answer, which is a number.
    pub fn seconds(&mut self, request: &str) -> Result<f64> {
        let answer = self.ask(request)?;
        Ok(answer.as_f64().ok_or_else(|| format!("no number of seconds: {answer}"))?)
    }

    /// Ends the process; its peak memory in MiB.
    pub fn finish(self) -> Result<f64> {
        let Self { mut process, input, mut output, .. } = self;
        drop(input);
        let last: Value = serde_json::from_str(&output.next().ok_or("a process ended before its last line")??)?;
        process.wait()?;
        Ok(last["peak_mib"].as_f64().unwrap_or(f64::NAN))
    }

    fn answer(&mut self) -> Result<Value> {
        Ok(serde_json::from_str(&self.output.next().ok_or("a process ended before its answer")??)?)
    }
}
