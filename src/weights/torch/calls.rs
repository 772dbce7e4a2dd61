//! The calls that a pickle may make: nothing but a [`Global`].

use super::machine::Machine;
use super::value::{Global, Storage, Value, View};
use super::{TorchError, shown};

impl<'b> Machine<'b, '_> {
    pub(super) fn global(&mut self, module: &str, name: &str) -> Result<(), TorchError> {
        let global = Global::of(module, name)
            .ok_or_else(|| TorchError::Global { name: shown(&format!("{module}.{name}")) })?;
        self.push(Value::Global(global))
    }

    pub(super) fn stack_global(&mut self) -> Result<(), TorchError> {
        match self.last(2)?[..] {
            [Value::Text(module), Value::Text(name)] => self.global(module, name),
            _ => Err(self.damaged()),
        }
    }

    /// Reads a storage, which `torch.save` writes as `("storage", type, key, device, count)`; old versions
    /// append a view, `None`.
    pub(super) fn storage(&mut self) -> Result<(), TorchError> {
        let Value::List(list) = self.pop()? else { return Err(self.damaged()) };
        match self.heap.lists[list][..] {
            [
                Value::Text("storage"),
                Value::Global(Global::Storage(dtype)),
                Value::Text(key),
                _,
                Value::Number(count),
            ]
            | [
                Value::Text("storage"),
                Value::Global(Global::Storage(dtype)),
                Value::Text(key),
                _,
                Value::Number(count),
                Value::Plain,
            ] => {
                self.heap.storages.push(Storage { key, dtype, count });
                self.push(Value::Storage(self.heap.storages.len() - 1))
            }
            _ => Err(self.damaged()),
        }
    }

    pub(super) fn call(&mut self) -> Result<(), TorchError> {
        let [Value::Global(global), Value::List(list)] = self.last(2)?[..] else {
            return Err(self.damaged());
        };
        match (global, &self.heap.lists[list][..]) {
            (Global::OrderedDict, []) => self.map(Vec::new()),
            (Global::Namespace, []) => self.push(Value::Plain),
            (
                Global::Tensor,
                [
                    Value::Storage(storage),
                    Value::Number(offset),
                    Value::List(shape),
                    Value::List(strides),
                    ..,
                ],
            ) => {
                let view = View { storage: *storage, offset: *offset, shape: *shape, strides: *strides };
                self.heap.tensors.push(view);
                self.push(Value::Tensor(self.heap.tensors.len() - 1))
            }
            (Global::Parameter, [Value::Tensor(tensor), ..]) => self.push(Value::Tensor(*tensor)),
            _ => Err(self.damaged()),
        }
    }

    /// Sets the attributes of a container, on which no tensor depends, or of settings, which become a map of
    /// them.
    pub(super) fn build(&mut self) -> Result<(), TorchError> {
        let attributes = self.pop()?;
        match (self.top()?, attributes) {
            (Value::Plain, Value::Map(_)) => {
                self.pop()?;
                self.push(attributes)
            }
            (Value::Map(_) | Value::Plain, _) => Ok(()),
            _ => Err(self.damaged()),
        }
    }
}
