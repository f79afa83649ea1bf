//! Between torchvision's order of convolution weights (outputs, inputs, rows, columns) and that of
//! memory (rows, columns, inputs, outputs). All else is the same in both.

use super::{Parameter, Role};

impl Parameter {
    /// Writes values in torchvision's order to memory's.
    ///
    /// # Panics
    /// When a slice does not have the parameter's length.
    pub fn from_torch<T: Copy>(&self, torch: &[T], memory: &mut [T]) {
        self.pairs(torch.len(), memory.len(), |t, m| memory[m] = torch[t]);
    }

    /// Writes values in memory's order to torchvision's.
    ///
    /// # Panics
    /// When a slice does not have the parameter's length.
    pub fn to_torch<T: Copy>(&self, memory: &[T], torch: &mut [T]) {
        self.pairs(torch.len(), memory.len(), |t, m| torch[t] = memory[m]);
    }

    fn pairs(&self, torch: usize, memory: usize, mut see: impl FnMut(usize, usize)) {
        assert_eq!((torch, memory), (self.len(), self.len()), "lengths of {}", self.name);
        let (&[outputs, inputs, rows, columns], Role::Weight) = (&self.shape[..], self.role) else {
            (0..torch).for_each(|i| see(i, i));
            return;
        };
        let taps = rows * columns;
        for (o, i) in (0..outputs).flat_map(|o| (0..inputs).map(move |i| (o, i))) {
            for tap in 0..taps {
                see((o * inputs + i) * taps + tap, (tap * inputs + i) * outputs + o);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Parameter, Role};

    #[test]
    fn the_order_of_weights_goes_there_and_back() {
        let (name, shape) = (String::new(), vec![2, 3, 1, 2]);
        let parameter = Parameter { name, shape, role: Role::Weight, offset: 0 };
        let torch: Vec<usize> = (0..12).collect();
        let (mut memory, mut back) = (vec![0; 12], vec![0; 12]);
        parameter.from_torch(&torch, &mut memory);
        // Column 0 of the kernel, input 0: outputs 0 and 1, six apart.
        assert_eq!(memory[..2], [0, 6]);
        // Column 1 comes after all inputs and outputs of column 0.
        assert_eq!(memory[6], 1);
        parameter.to_torch(&memory, &mut back);
        assert_eq!(back, torch);
    }
}
