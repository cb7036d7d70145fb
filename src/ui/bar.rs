//! A progress bar of three short lines, on a terminal only.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Draws on stderr, where stdout may be a pipe of JSON; draws nothing where there is no terminal.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A hidden bar where `wanted` is false.
    #[must_use]
    pub fn new(wanted: bool) -> Self {
        let target =
            if wanted { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() };
        // A length of 0 would be drawn as done.
        let bar = ProgressBar::with_draw_target(Some(1), target);
        // The template is a constant; were it wrong, the library's own look would do.
        let style = ProgressStyle::with_template("{wide_bar} {percent:>3}%\n{wide_msg}\n{prefix:40!}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> ");
        bar.set_style(style);
        Bar { bar }
    }

    /// Shows a state; texts that are too long for the terminal are cut.
    pub fn show(&self, position: u64, length: u64, first: String, second: String) {
        self.bar.set_length(length.max(1));
        self.bar.set_message(first);
        self.bar.set_prefix(second);
        self.bar.set_position(position.min(length));
    }

    /// Lets something be printed where the bar is, which then goes on below it.
    pub fn above(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    /// Takes the bar off the screen.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}
