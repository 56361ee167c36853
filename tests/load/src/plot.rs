//! The plot: above, runs a second; below, their times on a logarithmic scale.

use crate::level::Level;
use std::fmt::Write as _;
use std::time::Duration;

/// The width of the picture, and of the column of each level.
const WIDTH: f64 = 640.0;
/// The height of each of the two diagrams.
const HEIGHT: f64 = 180.0;
/// The space around a diagram.
const MARGIN: f64 = 60.0;
/// The shortest and the longest time of the scale, in milliseconds.
const TIMES: [f64; 2] = [1.0, 100_000.0];

/// The picture as SVG.
pub fn svg(levels: &[Level]) -> String {
    let height = 2.0 * HEIGHT + 3.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let most = levels.iter().map(|level| level.rate).fold(1.0, f64::max);
    let column = (WIDTH - 2.0 * MARGIN) / levels.len().max(1) as f64;
    let (floor, lower) = (MARGIN + HEIGHT, 2.0 * MARGIN + 2.0 * HEIGHT);
    text(&mut svg, MARGIN, MARGIN - 20.0, "start", "runs a second");
    text(&mut svg, MARGIN, 2.0 * MARGIN + HEIGHT - 20.0, "start", "time of a run: p50 (filled), p99 (ring)");
    let mut tick = TIMES[0];
    while tick <= TIMES[1] {
        let y = lower - of_time(tick) * HEIGHT;
        line(&mut svg, (MARGIN, y), (WIDTH - MARGIN, y), "#ddd");
        let label = if tick < 1000.0 { format!("{tick} ms") } else { format!("{} s", tick / 1000.0) };
        text(&mut svg, MARGIN - 6.0, y + 4.0, "end", &label);
        tick *= 10.0;
    }
    for (at, level) in levels.iter().enumerate() {
        let x = MARGIN + column * (at as f64 + 0.5);
        let bar = level.rate / most * HEIGHT;
        let (left, width) = (x - column / 4.0, column / 2.0);
        writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{bar:.1}\" fill=\"#357\"/>",
            floor - bar
        )
        .unwrap();
        text(&mut svg, x, floor - bar - 5.0, "middle", &format!("{:.1}", level.rate));
        for (time, fill) in [(level.p50, "#357"), (level.p99, "white")] {
            let Some(time) = time else { continue };
            let y = lower - of_time(in_milliseconds(time)) * HEIGHT;
            writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{fill}\" stroke=\"#357\" stroke-width=\"2\"/>"
            )
            .unwrap();
        }
        let name = if level.clients == 1 { "1 client".into() } else { format!("{} clients", level.clients) };
        text(&mut svg, x, floor + 16.0, "middle", &name);
        text(&mut svg, x, lower + 16.0, "middle", &name);
    }
    line(&mut svg, (MARGIN, floor), (WIDTH - MARGIN, floor), "black");
    svg + "</svg>\n"
}

fn in_milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The place of a time on its scale, from 0 to 1.
fn of_time(milliseconds: f64) -> f64 {
    let [least, most] = TIMES.map(f64::log10);
    ((milliseconds.log10() - least) / (most - least)).clamp(0.0, 1.0)
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64), colour: &str) {
    let ((x1, y1), (x2, y2)) = (from, to);
    writeln!(svg, "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\"/>").unwrap();
}

/// `text` has no character that XML would take for its own.
fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>").unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Attempt;
    use crate::memory::Peaks;

    #[test]
    fn times_lie_on_a_logarithmic_scale_that_ends() {
        assert_eq!([0.01, 1.0, 100_000.0, 1e9].map(of_time), [0.0, 0.0, 1.0, 1.0]);
        assert!((of_time(100.0) - 0.4).abs() < 1e-9);
    }

    #[test]
    fn a_level_has_a_bar_and_the_marks_of_its_times() {
        let done = Attempt { took: Duration::from_millis(10), failed: None };
        let refused = Attempt { took: Duration::from_millis(10), failed: Some("busy".into()) };
        let level = |attempt| Level::new(8, &[attempt], Duration::from_secs(1), Peaks::default());
        let count = |levels: &[Level], what| svg(levels).matches(what).count();
        assert_eq!(count(&[level(done.clone())], "<circle"), 2);
        assert_eq!(count(&[level(done.clone()), level(refused)], "<circle"), 2);
        assert_eq!(count(&[level(done)], "8 clients"), 2);
    }
}
