//! The day that chat templates write as today, as `strftime` of C and Python formats it.

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatDate {
    year: i64,
    /// From 1.
    month: usize,
    /// From 1.
    day: usize,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

impl ChatDate {
    /// Reads `2024-07-26`; `None` where it is no day.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
        if parts.next().is_some() || !(digits(year, 4) && digits(month, 2) && digits(day, 2)) {
            return None;
        }
        let date = Self { year: year.parse().ok()?, month: month.parse().ok()?, day: day.parse().ok()? };
        let exists = (1..=12).contains(&date.month) && (1..=date.days_of_month(date.month)).contains(&date.day);
        exists.then_some(date)
    }

    fn is_leap(self) -> bool {
        self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0)
    }

    fn days_of_month(self, month: usize) -> usize {
        match month {
            2 => 28 + usize::from(self.is_leap()),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    /// From 1.
    fn day_of_year(self) -> usize {
        (1..self.month).map(|month| self.days_of_month(month)).sum::<usize>() + self.day
    }

    /// From 0, Monday.
    fn weekday(self) -> usize {
        let before = self.year - 1;
        // The first of January of the year 1 was a Monday.
        let days = before * 365 + before / 4 - before / 100 + before / 400 + self.day_of_year() as i64 - 1;
        days.rem_euclid(7) as usize
    }

    /// The day by a format, at midnight; an error names a directive that is not known.
    pub fn format(self, format: &str) -> Result<String, String> {
        let mut written = String::new();
        let mut letters = format.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                written.push(letter);
                continue;
            }
            let mut directive = letters.next().unwrap_or('%');
            let padded = directive != '-';
            if !padded {
                directive = letters.next().unwrap_or('-');
            }
            let number = |number: usize, width: usize| match padded {
                true => format!("{number:0width$}"),
                false => number.to_string(),
            };
            let (month, weekday) = (MONTHS[self.month - 1], WEEKDAYS[self.weekday()]);
            written += &match directive {
                'Y' => self.year.to_string(),
                'y' => number(self.year.rem_euclid(100) as usize, 2),
                'm' => number(self.month, 2),
                'd' => number(self.day, 2),
                'e' => format!("{:2}", self.day),
                'j' => number(self.day_of_year(), 3),
                'B' => month.to_string(),
                'b' | 'h' => month[..3].to_string(),
                'A' => weekday.to_string(),
                'a' => weekday[..3].to_string(),
                'F' => format!("{:04}-{:02}-{:02}", self.year, self.month, self.day),
                'D' => format!("{:02}/{:02}/{:02}", self.month, self.day, self.year.rem_euclid(100)),
                'H' | 'M' | 'S' => number(0, 2),
                'I' => number(12, 2),
                'p' => "AM".to_string(),
                'T' => "00:00:00".to_string(),
                'R' => "00:00".to_string(),
                '%' => "%".to_string(),
                other => {
                    return Err(format!(
                        "strftime_now('{format}') has the directive %{other}, which is not known here"
                    ));
                }
            };
        }
        Ok(written)
    }
}
