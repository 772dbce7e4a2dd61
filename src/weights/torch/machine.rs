//! A pickle machine with a stack and a memo that can execute nothing else.

use std::collections::HashMap;

use super::TorchError;
use super::reader::{Reader, signed};
use super::value::{Heap, Value};

/// Maximum number of instructions; the largest published models have a tenth of it.
const MAX_STEPS: usize = 1 << 20;

/// Reads the pickle that begins at `at`, and moves `at` after its end.
pub(super) fn read<'b>(
    bytes: &'b [u8],
    at: &mut usize,
    heap: &mut Heap<'b>,
) -> Result<Value<'b>, TorchError> {
    let reader = Reader { bytes, at: *at };
    let mut machine = Machine { reader, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new(), heap };
    for _ in 0..MAX_STEPS {
        let code = machine.reader.byte()?;
        if code == b'.' {
            *at = machine.reader.at;
            return machine.pop();
        }
        machine.step(code)?;
    }
    Err(TorchError::TooLong)
}

pub(super) struct Machine<'b, 'h> {
    reader: Reader<'b>,
    stack: Vec<Value<'b>>,
    /// Heights of the stack at which lists begin.
    marks: Vec<usize>,
    memo: HashMap<usize, Value<'b>>,
    pub(super) heap: &'h mut Heap<'b>,
}

impl<'b> Machine<'b, '_> {
    /// Executes one instruction; beside it is its name in Python's `pickle`. // table
    #[rustfmt::skip]
    fn step(&mut self, code: u8) -> Result<(), TorchError> {
        match code {
            0x80 => self.reader.take(1).map(drop),                                      // PROTO
            0x95 => self.reader.take(8).map(drop),                                      // FRAME
            b'N' => self.push(Value::Plain),                                            // NONE
            0x88 => self.push(Value::Flag(true)),                                       // NEWTRUE
            0x89 => self.push(Value::Flag(false)),                                      // NEWFALSE
            b'K' => self.count(1),                                                      // BININT1
            b'M' => self.count(2),                                                      // BININT2
            b'J' => self.reader.take(4).and_then(|bytes| self.integer(bytes)),          // BININT
            0x8a => self.reader.counted(1).and_then(|bytes| self.integer(bytes)),       // LONG1
            0x8b => self.reader.counted(4).and_then(|bytes| self.integer(bytes)),       // LONG4
            b'G' => self.reader.take(8).and_then(|_| self.push(Value::Plain)),          // BINFLOAT
            b'C' => self.reader.counted(1).and_then(|_| self.push(Value::Plain)),       // SHORT_BINBYTES
            b'B' => self.reader.counted(4).and_then(|_| self.push(Value::Plain)),       // BINBYTES
            0x8e | 0x96 => self.reader.counted(8).and_then(|_| self.push(Value::Plain)), // BINBYTES8, BYTEARRAY8
            b'U' | 0x8c => self.reader.counted(1).and_then(|bytes| self.text(bytes)),   // SHORT_BINSTRING, SHORT_BINUNICODE
            b'T' | b'X' => self.reader.counted(4).and_then(|bytes| self.text(bytes)),   // BINSTRING, BINUNICODE
            0x8d => self.reader.counted(8).and_then(|bytes| self.text(bytes)),          // BINUNICODE8
            b'(' => { self.marks.push(self.stack.len()); Ok(()) }                       // MARK
            b'0' => self.pop().map(drop),                                               // POP
            b'1' => self.since_mark().map(drop),                                        // POP_MARK
            b'2' => self.top().and_then(|value| self.push(value)),                      // DUP
            b']' | b')' | 0x8f => self.list(Vec::new()),                                // EMPTY_LIST, EMPTY_TUPLE, EMPTY_SET
            b'l' | b't' | 0x91 => self.since_mark().and_then(|items| self.list(items)), // LIST, TUPLE, FROZENSET
            0x85..=0x87 => self.last(usize::from(code - 0x84)).and_then(|items| self.list(items)), // TUPLE1, TUPLE2, TUPLE3
            b'}' => self.map(Vec::new()),                                               // EMPTY_DICT
            b'd' => self.since_mark().and_then(|items| self.map(items)),                // DICT
            b'a' => self.last(1).and_then(|items| self.append(&items)),                 // APPEND
            b'e' | 0x90 => self.since_mark().and_then(|items| self.append(&items)),     // APPENDS, ADDITEMS
            b's' => self.last(2).and_then(|items| self.set(&items)),                    // SETITEM
            b'u' => self.since_mark().and_then(|items| self.set(&items)),               // SETITEMS
            b'q' => self.reader.number(1).and_then(|key| self.put(key)),                // BINPUT
            b'r' => self.reader.number(4).and_then(|key| self.put(key)),                // LONG_BINPUT
            0x94 => self.put(self.memo.len()),                                          // MEMOIZE
            b'h' => self.reader.number(1).and_then(|key| self.get(key)),                // BINGET
            b'j' => self.reader.number(4).and_then(|key| self.get(key)),                // LONG_BINGET
            b'c' => { let (module, name) = (self.reader.line()?, self.reader.line()?); self.global(module, name) } // GLOBAL
            0x93 => self.stack_global(),                                                // STACK_GLOBAL
            b'Q' => self.storage(),                                                     // BINPERSID
            b'R' | 0x81 => self.call(),                                                 // REDUCE, NEWOBJ
            b'b' => self.build(),                                                       // BUILD
            _ => Err(TorchError::Instruction { code, at: self.reader.at - 1 }),
        }
    }

    pub(super) fn damaged(&self) -> TorchError {
        TorchError::Damaged { at: self.reader.at }
    }

    pub(super) fn push(&mut self, value: Value<'b>) -> Result<(), TorchError> {
        self.stack.push(value);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Result<Value<'b>, TorchError> {
        self.stack.pop().ok_or_else(|| self.damaged())
    }

    pub(super) fn top(&self) -> Result<Value<'b>, TorchError> {
        self.stack.last().copied().ok_or_else(|| self.damaged())
    }

    pub(super) fn last(&mut self, count: usize) -> Result<Vec<Value<'b>>, TorchError> {
        let from = self.stack.len().checked_sub(count).ok_or_else(|| self.damaged())?;
        Ok(self.stack.split_off(from))
    }

    fn since_mark(&mut self) -> Result<Vec<Value<'b>>, TorchError> {
        let from = self.marks.pop().filter(|&from| from <= self.stack.len());
        Ok(self.stack.split_off(from.ok_or_else(|| self.damaged())?))
    }

    fn count(&mut self, width: usize) -> Result<(), TorchError> {
        let number = self.reader.number(width)?;
        self.push(Value::Number(number as i64))
    }

    fn integer(&mut self, bytes: &[u8]) -> Result<(), TorchError> {
        self.push(signed(bytes).map_or(Value::Plain, Value::Number))
    }

    fn text(&mut self, bytes: &'b [u8]) -> Result<(), TorchError> {
        self.push(std::str::from_utf8(bytes).map_or(Value::Plain, Value::Text))
    }

    fn list(&mut self, items: Vec<Value<'b>>) -> Result<(), TorchError> {
        let list = self.heap.list(items);
        self.push(Value::List(list))
    }

    pub(super) fn map(&mut self, items: Vec<Value<'b>>) -> Result<(), TorchError> {
        let map = self.heap.list(items);
        self.push(Value::Map(map))
    }

    fn append(&mut self, items: &[Value<'b>]) -> Result<(), TorchError> {
        let Value::List(list) = self.top()? else { return Err(self.damaged()) };
        self.heap.lists[list].extend(items);
        Ok(())
    }

    fn set(&mut self, items: &[Value<'b>]) -> Result<(), TorchError> {
        match self.top()? {
            Value::Map(map) if items.len().is_multiple_of(2) => self.heap.lists[map].extend(items),
            _ => return Err(self.damaged()),
        }
        Ok(())
    }

    fn put(&mut self, key: usize) -> Result<(), TorchError> {
        let value = self.top()?;
        self.memo.insert(key, value);
        Ok(())
    }

    fn get(&mut self, key: usize) -> Result<(), TorchError> {
        let value = self.memo.get(&key).copied().ok_or_else(|| self.damaged())?;
        self.push(value)
    }
}
