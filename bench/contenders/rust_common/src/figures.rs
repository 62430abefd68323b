//! The result of a measurement: named numbers in the order in which they were added, printed as one line of JSON.
use std::time::Duration;

#[derive(Default)]
pub struct Figures(Vec<(&'static str, f64)>);

impl Figures {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn add(mut self, name: &'static str, value: f64) -> Self {
        self.0.push((name, value));
        self
    }

    pub fn json(&self) -> String {
        let parts: Vec<String> = self.0.iter().map(|(name, value)| format!("\"{}\": {}", name, value)).collect();
        format!("{{{}}}", parts.join(", "))
    }
}

pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

pub fn us(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

pub fn ns(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}
