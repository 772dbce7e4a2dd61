//! Numbers formatted by the browser in each language.

use std::cell::RefCell;
use std::collections::HashMap;

use fluent_bundle::FluentValue;
use fluent_bundle::types::{FluentNumberOptions, FluentNumberStyle};
use js_sys::{Array, Function, Intl, Object, Reflect};
use wasm_bindgen::JsValue;

use crate::web::language::Language;

thread_local! {
    /// Formatting functions, which are slow to create.
    static WRITERS: RefCell<HashMap<(Language, FluentNumberOptions), Function>> = RefCell::default();
}

/// Formats a number; `None` for anything else.
pub(super) fn written(value: &FluentValue<'_>, language: Language) -> Option<String> {
    let FluentValue::Number(number) = value else { return None };
    WRITERS.with_borrow_mut(|writers| {
        let key = (language, number.options.clone());
        let writer = writers.entry(key).or_insert_with_key(|(language, options)| writer(*language, options));
        writer.call1(&JsValue::UNDEFINED, &number.value.into()).ok()?.as_string()
    })
}

fn writer(language: Language, options: &FluentNumberOptions) -> Function {
    let digits = |digits: Option<usize>| digits.map(|digits| JsValue::from(digits as f64));
    let is_percent = options.style == FluentNumberStyle::Percent;
    let wanted = Object::new();
    for (name, value) in [
        ("style", is_percent.then(|| "percent".into())),
        ("minimumFractionDigits", digits(options.minimum_fraction_digits)),
        ("maximumFractionDigits", digits(options.maximum_fraction_digits)),
    ] {
        // Setting a property of a plain object cannot fail.
        let _ = value.map(|value| Reflect::set(&wanted, &name.into(), &value));
    }
    Intl::NumberFormat::new(&Array::of1(&language.tag().into()), &wanted).format()
}
