//! Distances between the members that an edge joins.

/// Distances between a step and the steps that it reads.
#[derive(Debug, Default)]
pub struct Apart {
    ends: Option<(i64, i64)>,
    /// Whether the step itself is among them.
    has_none: bool,
}

impl Apart {
    /// Adds a range of distances.
    pub fn include(&mut self, first: i64, last: i64) {
        let (least, most) = self.ends.unwrap_or((first, last));
        self.ends = Some((least.min(first), most.max(last)));
        self.has_none |= (first..=last).contains(&0);
    }

    /// The distances in words, with the name of the index. Nothing if all are 0.
    pub fn text(&self, index: &str) -> String {
        let Some((least, most)) = self.ends else { return String::new() };
        let near = |distance: i64| match distance {
            0 => index.to_owned(),
            1.. => format!("{index} + {distance}"),
            _ => format!("{index} − {}", -distance),
        };
        match (least, most) {
            (0, 0) => String::new(),
            (least, most) if least == most => near(least),
            (-1, 0) | (0, 1) => format!("{}, {}", near(least), near(most)),
            (_, ..=-1) => format!("< {index}"),
            (_, 0) => format!("≤ {index}"),
            (1.., _) => format!("> {index}"),
            (0, _) => format!("≥ {index}"),
            _ if self.has_none => format!("all {index}"),
            _ => format!("others than {index}"),
        }
    }
}
