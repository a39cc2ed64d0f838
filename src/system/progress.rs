//! Progress: bars on a terminal, plain lines when piped, nothing when quiet. All of it on standard error.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Seconds between two plain lines of one task.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Where progress is shown.
#[derive(Debug)]
pub struct Progress {
    mode: Mode,
    /// Before every line, where several specs run at once.
    prefix: String,
}

#[derive(Debug)]
enum Mode {
    Bars(MultiProgress),
    Lines,
    Quiet,
}

impl Progress {
    /// Bars where standard error is a terminal, else lines.
    pub fn new(quiet: bool) -> Self {
        let mode = if quiet {
            Mode::Quiet
        } else if std::io::stderr().is_terminal() {
            Mode::Bars(MultiProgress::with_draw_target(ProgressDrawTarget::stderr()))
        } else {
            Mode::Lines
        };
        Self { mode, prefix: String::new() }
    }

    /// The same with a name before every line, for one of several that run at once.
    pub fn named(&self, name: &str) -> Self {
        let mode = match &self.mode {
            Mode::Bars(bars) => Mode::Bars(bars.clone()),
            Mode::Lines => Mode::Lines,
            Mode::Quiet => Mode::Quiet,
        };
        Self { mode, prefix: format!("[{name}] ") }
    }

    /// Shows nothing.
    pub fn quiet() -> Self {
        Self { mode: Mode::Quiet, prefix: String::new() }
    }

    /// What became of files that results which were replaced had, and the new ones have not.
    pub fn say_replaced(&self, removed: &[String], changed: &[String]) {
        if !removed.is_empty() {
            self.say(&format!(
                "removed, because the previous run made them and this one does not: {}",
                removed.join(", ")
            ));
        }
        if !changed.is_empty() {
            self.say(&format!(
                "note: these files are of the previous run and not of this one, and stay because they were changed since: {}",
                changed.join(", ")
            ));
        }
    }

    /// Whether nothing is shown.
    pub fn is_quiet(&self) -> bool {
        matches!(self.mode, Mode::Quiet)
    }

    /// Begins a task of `total` units, for example `("accuracy: arith", 10000, "prompts")`.
    pub fn begin(&self, label: &str, total: u64, unit: &str) -> ProgressTask {
        let label = format!("{}{label}", self.prefix);
        match &self.mode {
            Mode::Bars(bars) => {
                let bar = bars.add(ProgressBar::new(total));
                let template =
                    format!("{{prefix:32!}} {{wide_bar}} {{pos}}/{{len}} {unit} {{msg}} [{{elapsed}} < {{eta}}]");
                if let Ok(style) = ProgressStyle::with_template(&template) {
                    bar.set_style(style);
                }
                bar.set_prefix(label.clone());
                bar.enable_steady_tick(Duration::from_millis(200));
                ProgressTask { label, unit: unit.into(), show: Show::Bar(bar) }
            }
            Mode::Lines => {
                let now = Instant::now();
                let lines =
                    Lines { total, done: 0, message: String::new(), started: now, shown: now, shown_done: None };
                ProgressTask { label, unit: unit.into(), show: Show::Lines(Mutex::new(lines)) }
            }
            Mode::Quiet => ProgressTask { label, unit: unit.into(), show: Show::Nothing },
        }
    }

    /// A line for the reader, above the bars.
    pub fn say(&self, line: &str) {
        let line = &harmless(&format!("{}{line}", self.prefix));
        match &self.mode {
            Mode::Bars(bars) => {
                // A terminal that is gone is no reason to stop the work.
                let _ = bars.println(line);
            }
            Mode::Lines => to_stderr(line),
            Mode::Quiet => {}
        }
    }
}

/// One task under way; finished when dropped.
#[derive(Debug)]
pub struct ProgressTask {
    label: String,
    unit: String,
    show: Show,
}

#[derive(Debug)]
enum Show {
    Bar(ProgressBar),
    Lines(Mutex<Lines>),
    Nothing,
}

#[derive(Debug)]
struct Lines {
    total: u64,
    done: u64,
    message: String,
    started: Instant,
    shown: Instant,
    /// `done` in the line last shown.
    shown_done: Option<u64>,
}

impl ProgressTask {
    /// `units` more are done.
    pub fn advance(&self, units: u64) {
        match &self.show {
            Show::Bar(bar) => bar.inc(units),
            Show::Lines(lines) => {
                let Ok(mut lines) = lines.lock() else { return };
                lines.done += units;
                if lines.shown.elapsed() >= LINE_EVERY {
                    lines.shown = Instant::now();
                    lines.shown_done = Some(lines.done);
                    to_stderr(&self.line(&lines));
                }
            }
            Show::Nothing => {}
        }
    }

    /// It is at its end, though with fewer units than it might have needed.
    pub fn complete(&self) {
        match &self.show {
            Show::Bar(bar) => bar.set_length(bar.position()),
            Show::Lines(lines) => {
                let Ok(mut lines) = lines.lock() else { return };
                lines.total = lines.done;
                // Said again where the last line had the larger total.
                lines.shown_done = None;
            }
            Show::Nothing => {}
        }
    }

    /// A few words on how it goes, such as the loss.
    pub fn message(&self, text: &str) {
        match &self.show {
            Show::Bar(bar) => bar.set_message(text.to_string()),
            Show::Lines(lines) => {
                if let Ok(mut lines) = lines.lock() {
                    lines.message = text.to_string();
                }
            }
            Show::Nothing => {}
        }
    }

    fn line(&self, lines: &Lines) -> String {
        let Self { label, unit, .. } = self;
        let Lines { total, done, message, started, .. } = lines;
        let seconds = started.elapsed().as_secs_f64();
        let gap = if message.is_empty() { "" } else { " " };
        format!("{label}: {done}/{total} {unit}{gap}{message} ({seconds:.0} s)")
    }
}

impl Drop for ProgressTask {
    fn drop(&mut self) {
        match &self.show {
            Show::Bar(bar) => bar.finish_and_clear(),
            Show::Lines(lines) => {
                if let Ok(lines) = lines.lock()
                    && (lines.shown_done != Some(lines.done))
                {
                    to_stderr(&self.line(&lines));
                }
            }
            Show::Nothing => {}
        }
    }
}

/// The line without what would command a terminal: it may hold words of a spec, and a spec may come from anyone.
fn harmless(line: &str) -> String {
    let shown =
        |letter: char| if letter.is_control() && letter != '\n' && letter != '\t' { '\u{fffd}' } else { letter };
    line.chars().map(shown).collect()
}

fn to_stderr(line: &str) {
    // A closed pipe is no reason to stop the work, as `eprintln!` would by panicking.
    let _ = writeln!(std::io::stderr(), "{line}");
}
