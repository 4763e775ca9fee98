//! Draws of variables.

use super::Walker;
use crate::emit::number::{Scope, dims, number};
use crate::graph::{DrawMethod, VariableId};
use crate::plan::{How, Value};
use proc_macro2::TokenStream;
use quote::quote;

impl Walker<'_> {
    pub(super) fn draw(&self, distribution: &TokenStream, variable: VariableId, how: How) -> TokenStream {
        let name = self.plan.name(variable);
        match how {
            How::Through => {
                let through = match self.plan.model.draw_of(variable).map(|draw| &draw.method) {
                    Some(DrawMethod::Relaxed { temperature }) => {
                        let temperature = number(self.plan, Scope::Run, &temperature.number);
                        quote!(Relaxed(#temperature as f64))
                    }
                    _ => quote!(Straight),
                };
                let through = quote!(::srvae::dist::Through::#through);
                quote!(::srvae::dist::draw_through(&#distribution, #name, noise, #through, &self.params))
            }
            How::Plain => quote!(#distribution.sample(#name, noise, &::srvae::Draw::default())),
            How::Tempered => quote!(#distribution.sample(#name, noise, draw)),
            How::Decoded => quote!(::srvae::dist::decode(&#distribution, #name, noise, draw)),
        }
    }

    /// A draw position by position: a function from the values so far to the distribution, and the use of the result.
    pub(super) fn in_order(&self, value: &Value, variable: VariableId, how: How) -> TokenStream {
        let [partial, distribution] = [self.local(value.inputs[0]), self.local(value.inputs[1])];
        let own = self.program.ids().find(|(_, other)| std::ptr::eq(*other, value)).map(|(id, _)| id);
        let yielded = quote!(::std::result::Result::Ok(#distribution));
        let inside = own.map(|own| self.inside(own, yielded));
        let shape = dims(self.plan, Scope::Run, &self.plan.model.variable(variable).dims);
        let draw = self.draw(&quote!(distribution), variable, how);
        quote! {
            ::srvae::dist::in_order(
                (count, &#shape),
                &self.params,
                |#partial, _| { #inside },
                |distribution, noise| #draw,
                noise,
            )
        }
    }
}
