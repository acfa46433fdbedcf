//! Overview plot: a row for each workload and a dot for each store, left of the line where the store is worse than
//! the first.

use std::fmt::Write;

use super::plot::{COLORS, Scale, escaped, short};

const WIDTH: f64 = 860.0;
/// Space left of the dots for the workloads' names, and above them for the stores'.
const LEFT: f64 = 270.0;
const RIGHT: f64 = 30.0;
const ABOVE: f64 = 84.0;
const BELOW: f64 = 40.0;
const ROW: f64 = 20.0;

/// A workload, with the index and the ratio of each store compared with the first.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) times: Vec<(usize, f64)>,
}

/// Returns the plot as SVG; `stores` are the names of all stores, and the first is the baseline.
pub(super) fn svg(stores: &[&str], rows: &[Row]) -> String {
    let height = ABOVE + ROW * rows.len() as f64 + BELOW;
    let all = rows.iter().flat_map(|row| &row.times).map(|(_, times)| *times);
    let x = Scale::new(all.chain([0.5, 2.0]), LEFT + 10.0, WIDTH - RIGHT, false);
    let bottom = height - BELOW;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    let first = stores.first().copied().unwrap_or_default();
    let title = format!("ratio to {first}: left of the line is worse, right is better");
    let _ = writeln!(svg, "<text x=\"20\" y=\"24\">{}</text>", escaped(&title));
    for (nth, store) in stores.iter().enumerate() {
        let at = 20.0 + 118.0 * nth as f64;
        let color = COLORS[nth % COLORS.len()];
        let _ = writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"46\" r=\"5\" fill=\"{color}\"/>\
             <text x=\"{:.1}\" y=\"50\" font-size=\"11\">{}</text>",
            at + 5.0,
            at + 14.0,
            escaped(store)
        );
    }
    for tick in x.ticks() {
        let at = x.at(tick);
        let color = if tick == 1.0 { "#333" } else { "#ddd" };
        let _ = writeln!(
            svg,
            "<line x1=\"{at:.1}\" y1=\"{:.1}\" x2=\"{at:.1}\" y2=\"{bottom:.1}\" stroke=\"{color}\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            ABOVE - 10.0,
            bottom + 18.0,
            short(tick)
        );
    }
    for (nth, row) in rows.iter().enumerate() {
        let middle = ABOVE + ROW * (nth as f64 + 0.5);
        let _ = writeln!(
            svg,
            "<line x1=\"{:.1}\" y1=\"{middle:.1}\" x2=\"{:.1}\" y2=\"{middle:.1}\" stroke=\"#f0f0f0\"/>\
             <text x=\"{LEFT}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT + 10.0,
            WIDTH - RIGHT,
            middle + 4.0,
            escaped(&row.name)
        );
        for (store, times) in &row.times {
            let color = COLORS[store % COLORS.len()];
            let _ = writeln!(
                svg,
                "<circle cx=\"{:.1}\" cy=\"{middle:.1}\" r=\"5\" fill=\"{color}\"/>",
                x.at(*times)
            );
        }
    }
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_better_store_lies_right_of_the_line_and_a_worse_one_left() {
        let row = Row {
            name: "reads & more".to_owned(),
            times: vec![(0, 1.0), (1, 0.25), (2, 3.0)],
        };
        let svg = svg(&["annals", "slow", "fast"], &[row]);
        let line = svg.lines().find(|line| line.contains("cy=\"94.0\"")).unwrap();
        assert!(line.contains(COLORS[0]), "{line}");
        let places: Vec<f64> = svg
            .lines()
            .filter(|line| line.contains("cy=\"94.0\""))
            .map(|line| line.split('"').nth(1).unwrap().parse().unwrap())
            .collect();
        assert!(places[1] < places[0] && places[0] < places[2], "{places:?}");
        assert!(svg.contains("reads &amp; more"));
    }
}
