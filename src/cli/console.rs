//! Stdout, stderr and stdin, as commands use them.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{BufRead, IsTerminal as _, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::Color;
use crate::control::{Exit, Failure};

/// Where a command reads and writes. A reader that went away is no error of the command.
pub struct Console {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    input: Box<dyn BufRead + Send>,
    color_out: bool,
    color_err: bool,
}

/// While it lives, the terminal of stdin does not show what is typed.
struct Silence(Termios);

impl Silence {
    /// `None` where stdin is no terminal.
    fn of_terminal() -> Option<Self> {
        let before = tcgetattr(std::io::stdin()).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent).ok()?;
        Some(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing either.
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0).ok();
    }
}

/// How a word stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Warning,
    Bad,
    Faint,
}

impl Console {
    /// The console of the process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::new(
            Box::new(std::io::stdout()),
            Box::new(std::io::stderr()),
            Box::new(std::io::BufReader::new(std::io::stdin())),
        )
    }

    /// A console that writes and reads elsewhere.
    #[must_use]
    pub fn new(
        out: Box<dyn Write + Send>,
        err: Box<dyn Write + Send>,
        input: Box<dyn BufRead + Send>,
    ) -> Self {
        Self { out, err, input, color_out: false, color_err: false }
    }

    /// Decides on colours.
    pub(super) fn choose_color(&mut self, color: Color, environment: &[(OsString, OsString)]) {
        let plain = environment.iter().any(|(name, value)| name == "NO_COLOR" && !value.is_empty());
        let on = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !plain,
        };
        self.color_out = on(std::io::stdout().is_terminal());
        self.color_err = on(std::io::stderr().is_terminal());
    }

    /// A line of the answer.
    pub(super) fn line(&mut self, line: impl Display) {
        writeln!(self.out, "{line}").ok();
    }

    /// A part of the answer that has its line ends.
    pub(super) fn text(&mut self, text: &str) {
        self.out.write_all(text.as_bytes()).ok();
    }

    /// Bytes of the answer.
    pub(super) fn out(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    /// Something to tell beside the answer.
    pub(super) fn note(&mut self, note: impl Display) {
        writeln!(self.err, "{note}").ok();
    }

    /// The end of a command that failed.
    pub(super) fn fail(&mut self, failure: &Failure) {
        let text = failure.render();
        let text = match text.strip_prefix("error:") {
            Some(rest) if self.color_err => format!("\x1b[1;31merror:\x1b[0m{rest}"),
            _ => text,
        };
        self.note(text);
    }

    /// What clap has to say: help and version are answers, all else is a mistake.
    pub(super) fn clap(&mut self, answer: &clap::Error) -> Exit {
        if answer.use_stderr() {
            self.note(answer.to_string().trim_end());
            Exit::Usage
        } else {
            self.text(&answer.to_string());
            Exit::Ok
        }
    }

    /// A word that stands out in the answer, padded to `width` before it is coloured.
    pub(super) fn paint(&self, tone: Tone, word: &str, width: usize) -> String {
        let word = format!("{word:<width$}");
        let code = match tone {
            Tone::Good => "32",
            Tone::Warning => "33",
            Tone::Bad => "31",
            Tone::Faint => "2",
        };
        if self.color_out { format!("\x1b[{code}m{word}\x1b[0m") } else { word }
    }

    /// Asks for a line.
    pub(super) fn ask(&mut self, question: &str) -> std::io::Result<String> {
        write!(self.err, "{question}").ok();
        self.err.flush().ok();
        let mut line = String::new();
        self.input.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    /// Asks for a line that nobody should read over the shoulder.
    pub(super) fn ask_secret(&mut self, question: &str) -> std::io::Result<String> {
        let silence = Silence::of_terminal();
        let answer = self.ask(question);
        if silence.is_some() {
            self.note("");
        }
        answer
    }

    /// All of stdin, line by line.
    pub(super) fn input(&mut self) -> Box<dyn BufRead + Send> {
        std::mem::replace(&mut self.input, Box::new(std::io::empty()))
    }
}
