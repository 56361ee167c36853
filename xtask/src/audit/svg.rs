//! Treemaps as inline SVG: a box for each thing, a tooltip and a link on each box, and text where it fits.

use std::fmt::Write as _;

use crate::audit::treemap::{Rectangle, layout};

/// The width of every drawing. The page scales it to its own width.
const WIDTH: f64 = 1200.0;
/// The advance of one character and the height of one line of the labels' monospaced font, as page.css sets it.
const CHARACTER: f64 = 6.7;
const LINE: f64 = 14.0;
/// The space between a box's border and its text.
const MARGIN: f64 = 4.0;
/// The distance of a mark from the border.
const MARK: f64 = 2.0;

/// One box.
pub struct Tile {
    /// The area. Tiles without a value are not drawn.
    pub value: usize,
    /// What the box says if there is space. The part behind the last `/` is enough if there is little.
    pub label: String,
    /// A second line.
    pub note: String,
    /// The tooltip.
    pub title: String,
    pub link: String,
    /// The CSS class of its colour.
    pub class: String,
    /// Whether the box has a frame that stands out.
    pub is_marked: bool,
}

/// Boxes that belong together. They form one rectangle.
pub struct Group {
    /// Shown in the largest box, if not empty.
    pub name: String,
    pub tiles: Vec<Tile>,
}

impl Group {
    fn value(&self) -> usize {
        self.tiles.iter().map(|tile| tile.value).sum()
    }
}

/// Draws the groups, largest first. `description` says to a screen reader what the drawing shows.
pub fn treemap(description: &str, groups: &[Group], height: f64) -> String {
    let whole = Rectangle { x: 0.0, y: 0.0, width: WIDTH, height };
    let mut svg =
        format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"group\" aria-label=\"{}\">\n", escaped(description));
    let groups = sorted(groups.iter().filter(|group| group.value() > 0), |group| (group.value(), &group.name));
    for (group, area) in groups.iter().zip(place(&groups, |group| group.value(), whole)) {
        let tiles = sorted(group.tiles.iter().filter(|tile| tile.value > 0), |tile| (tile.value, &tile.label));
        svg += "<g>\n";
        for (index, (tile, area)) in tiles.iter().zip(place(&tiles, |tile| tile.value, area)).enumerate() {
            let heading = if index == 0 { group.name.as_str() } else { "" };
            draw(&mut svg, tile, heading, area);
        }
        if !group.name.is_empty() {
            let _ = writeln!(svg, "<rect class=\"group\" {}/>", sides(area));
        }
        svg += "</g>\n";
    }
    svg + "</svg>\n"
}

/// Largest first; equal values in the order of their names.
fn sorted<'a, T>(things: impl Iterator<Item = &'a T>, key: impl Fn(&'a T) -> (usize, &'a String)) -> Vec<&'a T> {
    let mut sorted: Vec<&T> = things.collect();
    sorted.sort_by(|a, b| {
        let ((a_value, a_name), (b_value, b_name)) = (key(a), key(b));
        b_value.cmp(&a_value).then_with(|| a_name.cmp(b_name))
    });
    sorted
}

fn place<T>(things: &[&T], value: impl Fn(&T) -> usize, area: Rectangle) -> Vec<Rectangle> {
    // No count of lines comes near 2^52, above which this would round.
    let values: Vec<f64> = things.iter().map(|thing| value(thing) as f64).collect();
    layout(&values, area)
}

fn draw(svg: &mut String, tile: &Tile, heading: &str, area: Rectangle) {
    // Writing to a string does not fail.
    let _ = write!(
        svg,
        "<a href=\"{}\"><title>{}</title><rect class=\"{}\" {}/>",
        escaped(&tile.link),
        escaped(&tile.title),
        escaped(&tile.class),
        sides(area)
    );
    if tile.is_marked {
        // Inside the box, because the neighbours cover its border.
        let Rectangle { x, y, width, height } = area;
        let inner = Rectangle {
            x: x + MARK,
            y: y + MARK,
            width: (width - 2.0 * MARK).max(0.0),
            height: (height - 2.0 * MARK).max(0.0),
        };
        let _ = write!(svg, "<rect class=\"mark\" {}/>", sides(inner));
    }
    let characters = ((area.width - 2.0 * MARGIN) / CHARACTER).floor().max(0.0) as usize;
    let mut y = area.y + MARGIN + 0.75 * LINE;
    let bottom = area.y + area.height - MARGIN;
    let mut write = |class: &str, text: Option<String>| {
        let Some(text) = text.filter(|_| y <= bottom) else { return false };
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let (x, at) = (short(area.x + MARGIN), short(y));
        let _ = write!(svg, "<text x=\"{x}\" y=\"{at}\"{class}>{}</text>", escaped(&text));
        y += LINE;
        true
    };
    write("heading", fitted(heading, characters));
    // A number without a name says nothing.
    if write("", fitted(&tile.label, characters)) {
        write("note", fitted_note(&tile.note, characters));
    }
    *svg += "</a>\n";
}

/// The longest form of `text` that has at most this many characters. `None` if that would say nothing.
fn fitted(text: &str, characters: usize) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    let mut short = text.rsplit_once('/').map_or(text, |(_, last)| last);
    // Every folder may have a `mod.rs`.
    if short == "mod.rs" {
        short = text.rsplit('/').nth(1).map_or(text, |folder| &text[text.len() - folder.len() - "/mod.rs".len()..]);
    }
    for form in [text, short, short.trim_end_matches(".rs")] {
        if form.chars().count() <= characters {
            return Some(form.into());
        }
    }
    (characters >= 4).then(|| short.chars().take(characters - 1).chain(['…']).collect())
}

/// The note, or the part before its first comma. `None` if that does not fit either.
fn fitted_note(note: &str, characters: usize) -> Option<String> {
    let first = note.split(',').next().unwrap_or_default();
    [note, first].into_iter().find(|form| !form.is_empty() && form.chars().count() <= characters).map(Into::into)
}

fn sides(area: Rectangle) -> String {
    let Rectangle { x, y, width, height } = area;
    format!("x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", short(x), short(y), short(width), short(height))
}

/// Two decimals, without zeros at the end.
fn short(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').into()
}

/// The text for HTML, in content and in quoted attributes.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(value: usize, label: &str) -> Tile {
        Tile {
            value,
            label: label.into(),
            note: format!("{value} lines"),
            title: format!("{label}: {value} lines"),
            link: format!("../{label}"),
            class: "c0".into(),
            is_marked: false,
        }
    }

    #[test]
    fn every_box_has_a_tooltip_and_a_link() {
        let groups = [Group { name: "g".into(), tiles: vec![tile(10, "a.rs"), tile(30, "b<c>.rs"), tile(0, "d.rs")] }];
        let svg = treemap("lines", &groups, 400.0);
        assert_eq!(svg.matches("<a href=").count(), 2);
        assert_eq!(svg.matches("<title>").count(), 2);
        assert!(svg.contains("<a href=\"../b&lt;c&gt;.rs\"><title>b&lt;c&gt;.rs: 30 lines</title><rect class=\"c0\""));
        // The largest box comes first and has the name of the group.
        assert!(svg.contains(">g</text><text x=\"4\" y=\"28.5\">b&lt;c&gt;.rs</text>"), "{svg}");
    }

    #[test]
    fn text_that_does_not_fit_is_shortened_or_left_out() {
        assert_eq!(fitted("verbs/run.rs", 12).as_deref(), Some("verbs/run.rs"));
        assert_eq!(fitted("verbs/run.rs", 8).as_deref(), Some("run.rs"));
        assert_eq!(fitted("verbs/run.rs", 3).as_deref(), Some("run"));
        assert_eq!(fitted("verbs/statement.rs", 6).as_deref(), Some("state…"));
        assert_eq!(fitted("verbs/statement.rs", 3), None);
        assert_eq!(fitted("kms/verbs/mod.rs", 14).as_deref(), Some("verbs/mod.rs"));
        assert_eq!(fitted("", 3), None);
        assert_eq!(fitted_note("16345, 12 unsafe", 10).as_deref(), Some("16345"));
        assert_eq!(fitted_note("16345, 12 unsafe", 4), None);
    }

    #[test]
    fn a_low_box_shows_the_first_line_only() {
        let groups = [Group { name: String::new(), tiles: vec![tile(1, "a.rs")] }];
        let svg = treemap("lines", &groups, 20.0);
        assert!(svg.contains(">a.rs</text>") && !svg.contains("class=\"note\""));
    }
}
