//! CVAT for images 1.1.

use std::fmt::Write as _;

use super::labels::Labels;
use super::polygon::{Outline, simple_parts};
use super::{Object, PhotoInfo};
use crate::text::markup;

/// The images of a file under construction.
#[derive(Debug, Default)]
pub(super) struct Cvat {
    images: String,
    count: usize,
}

impl Cvat {
    pub(super) fn add(&mut self, photo: &PhotoInfo<'_>, objects: &[Object<'_>], labels: &mut Labels) {
        let PhotoInfo { name, width, height } = photo;
        let (id, name) = (self.count, markup(name));
        self.count += 1;
        let _ = writeln!(
            self.images,
            "  <image id=\"{id}\" name=\"{name}\" width=\"{width}\" height=\"{height}\">"
        );
        for object in objects {
            labels.index(object.label);
            let label = markup(object.label);
            let parts = simple_parts(object.mask, Outline::Edges);
            let group =
                if parts.len() > 1 { format!(" group_id=\"{}\"", object.number) } else { String::new() };
            for part in parts {
                let points: Vec<String> = part.iter().map(|[x, y]| format!("{x:.2},{y:.2}")).collect();
                let points = points.join(";");
                let _ = writeln!(
                    self.images,
                    "    <polygon label=\"{label}\" source=\"auto\" occluded=\"0\" points=\"{points}\" z_order=\"0\"{group}/>"
                );
            }
        }
        self.images += "  </image>\n";
    }

    pub(super) fn finish(self, labels: &Labels) -> Vec<u8> {
        let mut text =
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<annotations>\n  <version>1.1</version>\n"
                .to_owned();
        let _ = writeln!(text, "  <meta><task><size>{}</size><mode>annotation</mode><labels>", self.count);
        for label in labels.names() {
            let _ = writeln!(
                text,
                "    <label><name>{}</name><type>any</type><attributes/></label>",
                markup(label)
            );
        }
        (text + "  </labels></task></meta>\n" + &self.images + "</annotations>\n").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::AnnotationFormat;
    use super::super::annotations::tests::written;

    #[test]
    fn parts_are_polygons_of_a_group_and_names_stay_text() {
        let text = written(AnnotationFormat::Cvat, "<cup>");
        assert!(text.contains("name=\"shots/a &amp; b.jpg\" width=\"60\" height=\"40\""), "{text}");
        assert!(text.contains("<label><name>&lt;cup&gt;</name>"), "{text}");
        let points =
            "points=\"45.00,10.00;55.00,10.00;55.00,30.00;45.00,30.00\" z_order=\"0\" group_id=\"1\"";
        assert_eq!(
            (text.matches("<polygon label=\"&lt;cup&gt;\"").count(), text.matches(points).count()),
            (2, 1)
        );
    }
}
