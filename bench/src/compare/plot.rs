//! Line plots with logarithmic axes, as SVG. Drawn without a plotting library, because the code is small.

use std::fmt::Write;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 440.0;
/// Maximum number of labels on an axis; more would overlap.
const TICKS_MAX: usize = 14;
/// Space left of, right of, above and below the axes.
const MARGINS: [f64; 4] = [80.0, 170.0, 40.0, 50.0];
/// Colors that color-blind readers can distinguish, too (Okabe and Ito, 2008).
pub(super) const COLORS: [&str; 8] = [
    "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#999999", "#000000", "#e69f00", "#56b4e9",
];

/// A named line.
pub(super) struct Line {
    pub(super) name: &'static str,
    /// Index into [`COLORS`].
    pub(super) color: usize,
    pub(super) points: Vec<(f64, f64)>,
}

/// Several lines in one plot.
pub(super) struct Plot {
    title: String,
    x: &'static str,
    y: &'static str,
    is_linear: bool,
    /// Positions and labels on the x axis, if not at round numbers.
    x_ticks: Vec<(f64, String)>,
    pub(super) lines: Vec<Line>,
}

/// A logarithmic or linear scale in pixels.
pub(super) struct Scale {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
    is_linear: bool,
}

impl Scale {
    pub(super) fn new(values: impl Iterator<Item = f64>, start: f64, end: f64, is_linear: bool) -> Self {
        let (mut from, mut to) = values
            .filter(|value| value.is_finite() && (is_linear || *value > 0.0))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(from, to), value| {
                (from.min(value), to.max(value))
            });
        if from > to {
            (from, to) = (1.0, 10.0);
        }
        if is_linear {
            (from, to) = (0.0, if to > 0.0 { to * 1.05 } else { 1.0 });
        } else if from == to {
            (from, to) = (from / 2.0, to * 2.0);
        }
        Self {
            from,
            to,
            start,
            end,
            is_linear,
        }
    }

    pub(super) fn at(&self, value: f64) -> f64 {
        let share = if self.is_linear {
            (value - self.from) / (self.to - self.from)
        } else {
            (value.max(self.from) / self.from).ln() / (self.to / self.from).ln()
        };
        self.start + share * (self.end - self.start)
    }

    /// Returns the values that are labelled.
    pub(super) fn ticks(&self) -> Vec<f64> {
        if self.is_linear {
            let magnitude = 10f64.powf((self.to / 5.0).log10().floor());
            let rough = self.to / 5.0 / magnitude;
            let step = magnitude
                * [1.0, 2.0, 5.0]
                    .into_iter()
                    .find(|step| *step >= rough)
                    .unwrap_or(10.0);
            return (0..=10)
                .map(|nth| f64::from(nth) * step)
                .filter(|tick| *tick <= self.to)
                .collect();
        }
        let decades = self.from.log10().floor() as i32..=self.to.log10().ceil() as i32;
        let of_steps = |steps: &[f64]| -> Vec<f64> {
            let ticks = decades
                .clone()
                .flat_map(|decade| steps.iter().map(move |step| step * 10f64.powi(decade)));
            ticks
                .filter(|tick| (self.from..=self.to).contains(tick))
                .collect()
        };
        let ticks = of_steps(&[1.0, 2.0, 5.0]);
        if ticks.len() > TICKS_MAX {
            of_steps(&[1.0])
        } else {
            ticks
        }
    }
}

impl Plot {
    pub(super) fn new(title: &str, x: &'static str, y: &'static str, lines: Vec<Line>) -> Self {
        Self {
            title: title.to_owned(),
            x,
            y,
            is_linear: false,
            x_ticks: Vec::new(),
            lines,
        }
    }

    /// Uses linear axes that start at 0.
    pub(super) fn linear(mut self) -> Self {
        self.is_linear = true;
        self
    }

    /// Uses these labels on the x axis.
    pub(super) fn x_ticks(mut self, ticks: Vec<(f64, String)>) -> Self {
        self.x_ticks = ticks;
        self
    }

    pub(super) fn svg(&self) -> String {
        let [left, right, above, below] = MARGINS;
        let points = || self.lines.iter().flat_map(|line| &line.points);
        let x = Scale::new(points().map(|point| point.0), left, WIDTH - right, self.is_linear);
        let y = Scale::new(
            points().map(|point| point.1),
            HEIGHT - below,
            above,
            self.is_linear,
        );
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        );
        let text = |svg: &mut String, x: f64, y: f64, anchor: &str, text: &str| {
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
                escaped(text)
            );
        };
        let rule = |svg: &mut String, from: (f64, f64), to: (f64, f64)| {
            let _ = writeln!(
                svg,
                "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#ddd\"/>",
                from.0, from.1, to.0, to.1
            );
        };
        for (tick, words) in self.ticks_below(&x) {
            rule(&mut svg, (x.at(tick), y.start), (x.at(tick), y.end));
            text(&mut svg, x.at(tick), y.start + 18.0, "middle", &words);
        }
        for tick in y.ticks() {
            rule(&mut svg, (x.start, y.at(tick)), (x.end, y.at(tick)));
            text(&mut svg, x.start - 8.0, y.at(tick) + 4.0, "end", &short(tick));
        }
        text(
            &mut svg,
            left,
            22.0,
            "start",
            &format!("{} ({})", self.title, self.y),
        );
        text(
            &mut svg,
            f64::midpoint(x.start, x.end),
            HEIGHT - 10.0,
            "middle",
            self.x,
        );
        for (nth, line) in self.lines.iter().enumerate() {
            let color = COLORS[line.color % COLORS.len()];
            let path: Vec<String> = line
                .points
                .iter()
                .map(|point| format!("{:.1},{:.1}", x.at(point.0), y.at(point.1)))
                .collect();
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>",
                path.join(" ")
            );
            for point in &line.points {
                let _ = writeln!(
                    svg,
                    "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{color}\"/>",
                    x.at(point.0),
                    y.at(point.1)
                );
            }
            let row = above + 10.0 + 20.0 * nth as f64;
            let _ = writeln!(
                svg,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"12\" height=\"12\" fill=\"{color}\"/>",
                x.end + 16.0,
                row - 10.0
            );
            text(&mut svg, x.end + 34.0, row, "start", line.name);
        }
        svg += "</svg>\n";
        svg
    }
}

impl Plot {
    /// Returns the requested labels within the range of the lines; otherwise round numbers.
    fn ticks_below(&self, x: &Scale) -> Vec<(f64, String)> {
        if self.x_ticks.is_empty() {
            return x.ticks().into_iter().map(|tick| (tick, short(tick))).collect();
        }
        let is_within = |(tick, _): &&(f64, String)| (x.from..=x.to).contains(tick);
        self.x_ticks.iter().filter(is_within).cloned().collect()
    }
}

/// Formats a number briefly: `20k`, `1.5M`, `0.2`.
pub(super) fn short(value: f64) -> String {
    match value {
        _ if value >= 1e6 => format!("{}M", value / 1e6),
        _ if value >= 1e4 => format!("{}k", value / 1e3),
        // Steps of a power of ten are not exact below one.
        _ => format!("{}", (value * 1e6).round() / 1e6),
    }
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: &[(f64, f64)]) -> Plot {
        let line = Line {
            name: "a < b",
            color: 9,
            points: points.to_vec(),
        };
        Plot::new("title", "x", "y", vec![line])
    }

    #[test]
    fn points_lie_within_the_axes() {
        for plot in [
            plot(&[(1.0, 0.5), (256.0, 40_000.0)]),
            plot(&[(1.0, 0.0), (2.0, 3.0)]),
            plot(&[(5.0, 5.0)]),
            plot(&[(0.0, 10.0), (20.0, 900_000.0)]).linear(),
        ] {
            let svg = plot.svg();
            let (_, path) = svg.split_once("points=\"").unwrap();
            let (path, _) = path.split_once('"').unwrap();
            for point in path.split(' ') {
                let (x, y) = point.split_once(',').unwrap();
                let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                assert!(
                    (80.0..=590.0).contains(&x) && (40.0..=390.0).contains(&y),
                    "{point} in {svg}"
                );
            }
        }
    }

    #[test]
    fn ticks_do_not_run_into_each_other() {
        let scale = Scale::new([0.1, 90_000.0].into_iter(), 0.0, 100.0, false);
        assert_eq!(scale.ticks(), [0.1, 1.0, 10.0, 100.0, 1_000.0, 10_000.0]);
        let asked_for =
            plot(&[(1.0, 1.0), (64.0, 2.0)]).x_ticks(vec![(16.0, "p16".into()), (256.0, "p256".into())]);
        let svg = asked_for.svg();
        assert!(svg.contains(">p16<") && !svg.contains("p256"), "{svg}");
    }

    #[test]
    fn names_are_escaped_and_ticks_are_short() {
        assert!(plot(&[(1.0, 1.0), (2.0, 2.0)]).svg().contains("a &lt; b"));
        assert_eq!(
            [short(50_000.0), short(2e6), short(0.2), short(100.0)],
            ["50k", "2M", "0.2", "100"]
        );
    }
}
