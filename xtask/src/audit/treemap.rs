//! The layout of a treemap: rectangles whose areas are proportional to values, as close to squares as possible.
//!
//! Source: Bruls, Huizing, van Wijk, "Squarified Treemaps" (2000).

/// A rectangle, in the units of the drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rectangle {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Rectangle {
    fn shorter_side(&self) -> f64 {
        self.width.min(self.height)
    }

    pub fn area(&self) -> f64 {
        self.width * self.height
    }
}

/// Divides `whole` among `values`. The rectangles come in the order of the values, which should descend.
///
/// A value that is not positive gets an empty rectangle.
pub fn layout(values: &[f64], whole: Rectangle) -> Vec<Rectangle> {
    let total: f64 = values.iter().filter(|value| **value > 0.0).sum();
    let scale = if total > 0.0 { whole.area() / total } else { 0.0 };
    let areas: Vec<f64> = values.iter().map(|value| value.max(0.0) * scale).collect();
    let mut placed = Vec::with_capacity(areas.len());
    let mut free = whole;
    let mut rest = areas.as_slice();
    while !rest.is_empty() {
        let side = free.shorter_side();
        // The row grows as long as its worst rectangle gets closer to a square.
        let mut length = 1;
        while length < rest.len() && worst_ratio(&rest[..=length], side) <= worst_ratio(&rest[..length], side) {
            length += 1;
        }
        let (row, after) = rest.split_at(length);
        free = place_row(row, free, &mut placed);
        rest = after;
    }
    placed
}

/// The ratio of the sides of the worst rectangle of a row that lies along a side of this length.
fn worst_ratio(row: &[f64], side: f64) -> f64 {
    let sum: f64 = row.iter().sum();
    let thickness = sum / side;
    row.iter()
        .map(|area| {
            let length = area / thickness;
            (length / thickness).max(thickness / length)
        })
        .fold(0.0, f64::max)
}

/// Places a row along the shorter side of `free`, and returns what stays free.
fn place_row(row: &[f64], free: Rectangle, placed: &mut Vec<Rectangle>) -> Rectangle {
    let sum: f64 = row.iter().sum();
    let side = free.shorter_side();
    let thickness = if side > 0.0 { sum / side } else { 0.0 };
    let is_column = free.width >= free.height;
    let mut offset = 0.0;
    for area in row {
        let length = if thickness > 0.0 { area / thickness } else { 0.0 };
        placed.push(if is_column {
            Rectangle { x: free.x, y: free.y + offset, width: thickness, height: length }
        } else {
            Rectangle { x: free.x + offset, y: free.y, width: length, height: thickness }
        });
        offset += length;
    }
    if is_column {
        Rectangle { x: free.x + thickness, width: (free.width - thickness).max(0.0), ..free }
    } else {
        Rectangle { y: free.y + thickness, height: (free.height - thickness).max(0.0), ..free }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Rectangle = Rectangle { x: 10.0, y: 20.0, width: 600.0, height: 400.0 };

    #[test]
    fn areas_are_proportional_to_values() {
        let values = [6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0];
        let total: f64 = values.iter().sum();
        for (value, rectangle) in values.iter().zip(layout(&values, WHOLE)) {
            assert!((rectangle.area() - WHOLE.area() * value / total).abs() < 1e-6, "{value}: {rectangle:?}");
        }
    }

    #[test]
    fn rectangles_stay_inside_and_do_not_overlap() {
        let values: Vec<f64> = (1..60).rev().map(|n| f64::from(n * n)).collect();
        let placed = layout(&values, WHOLE);
        let slack = 1e-6;
        for (index, a) in placed.iter().enumerate() {
            assert!(a.x >= WHOLE.x - slack && a.x + a.width <= WHOLE.x + WHOLE.width + slack);
            assert!(a.y >= WHOLE.y - slack && a.y + a.height <= WHOLE.y + WHOLE.height + slack);
            for b in &placed[..index] {
                let apart_in_x = a.x + a.width <= b.x + slack || b.x + b.width <= a.x + slack;
                let apart_in_y = a.y + a.height <= b.y + slack || b.y + b.height <= a.y + slack;
                assert!(apart_in_x || apart_in_y, "{a:?} and {b:?}");
            }
        }
    }

    #[test]
    fn reproduces_the_example_of_the_paper() {
        let whole = Rectangle { x: 0.0, y: 0.0, width: 6.0, height: 4.0 };
        let placed = layout(&[6.0, 6.0, 4.0, 3.0, 2.0, 2.0, 1.0], whole);
        assert_eq!(placed[0], Rectangle { x: 0.0, y: 0.0, width: 3.0, height: 2.0 });
        assert_eq!(placed[1], Rectangle { x: 0.0, y: 2.0, width: 3.0, height: 2.0 });
    }

    #[test]
    fn an_empty_or_worthless_list_takes_no_space() {
        assert!(layout(&[], WHOLE).is_empty());
        assert!(layout(&[0.0, 0.0], WHOLE).iter().all(|rectangle| rectangle.area() == 0.0));
    }
}
