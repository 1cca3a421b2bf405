//! The picture of a roaming code (QR code, ISO/IEC 18004): drawn in a window by half blocks, or as SVG.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use qrcode::{Color, EcLevel, QrCode};

use crate::failure::{Exit, Failure};

/// Before the code in its picture, so that who scans it knows what it is. In capitals: a QR code holds more of them.
pub(super) const PREFIX: &str = "SCEAU:ROAM:";
/// Light modules around it (section 6.3.8).
const QUIET: usize = 4;

/// The modules with the light ones around, dark where true.
struct Modules {
    side: usize,
    dark: Vec<bool>,
}

impl Modules {
    fn of(code: &str) -> Result<Self, Failure> {
        let text = format!("{PREFIX}{code}");
        let drawn = QrCode::with_error_correction_level(&text, EcLevel::M).map_err(|error| {
            Failure::new(Exit::System, "picture", format!("the code cannot be drawn: {error}"))
        })?;
        let (side, colours) = (drawn.width(), drawn.into_colors());
        Ok(Self { side, dark: colours.into_iter().map(|colour| colour == Color::Dark).collect() })
    }

    /// Whether a module is dark; all around are light.
    fn is_dark(&self, x: usize, y: usize) -> bool {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < self.side);
        let at = inside(y).zip(inside(x)).map(|(y, x)| y * self.side + x);
        at.and_then(|at| self.dark.get(at)).copied().unwrap_or(false)
    }

    fn whole(&self) -> usize {
        self.side + 2 * QUIET
    }

    /// Two rows in one line, black on white whatever the window's colours.
    fn in_half_blocks(&self) -> String {
        let mut text = String::new();
        for y in (0..self.whole()).step_by(2) {
            text += "\u{1b}[30;107m";
            text.extend((0..self.whole()).map(|x| match (self.is_dark(x, y), self.is_dark(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            }));
            text += "\u{1b}[0m\n";
        }
        text
    }

    fn in_svg(&self) -> String {
        let whole = self.whole();
        let mut path = String::new();
        for y in 0..whole {
            for x in (0..whole).filter(|x| self.is_dark(*x, y)) {
                let _never = write!(path, "M{x} {y}h1v1h-1z");
            }
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {whole} {whole}\" width=\"{w}\" height=\"{w}\" shape-rendering=\"crispEdges\">\
             <rect width=\"{whole}\" height=\"{whole}\" fill=\"#fff\"/><path d=\"{path}\"/></svg>\n",
            w = whole * 8
        )
    }
}

/// The picture for a window; none where nobody looks at one.
pub(super) fn drawn(code: &str) -> Result<Option<String>, Failure> {
    if !std::io::stderr().is_terminal() {
        return Ok(None);
    }
    Modules::of(code).map(|modules| Some(modules.in_half_blocks()))
}

/// The picture as SVG.
pub(super) fn svg(code: &str) -> Result<String, Failure> {
    Modules::of(code).map(|modules| modules.in_svg())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests state what must hold")]
    use super::*;

    const CODE: &str = "ABCD-EFGH-JKMN-PQRS-TVWX-YZ01";

    #[test]
    fn a_picture_has_its_three_corners_and_light_around() {
        let modules = Modules::of(CODE).unwrap();
        assert_eq!((modules.side, modules.whole()), (29, 37), "small enough for a window of 40 columns");
        let last = QUIET + modules.side - 1;
        for (x, y) in [(QUIET, QUIET), (last, QUIET), (QUIET, last)] {
            assert!(modules.is_dark(x, y), "{x} {y}");
        }
        for at in 0..modules.whole() {
            assert!(
                !modules.is_dark(at, 0)
                    && !modules.is_dark(0, at)
                    && !modules.is_dark(modules.whole() - 1, at)
            );
        }
        let lines: Vec<_> = modules.in_half_blocks().lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 19);
        assert!(lines.iter().all(|line| line.starts_with("\u{1b}[30;107m") && line.ends_with("\u{1b}[0m")));
        let svg = modules.in_svg();
        assert!(svg.starts_with("<svg ") && svg.matches("h1v1h-1z").count() > 300);
    }
}
