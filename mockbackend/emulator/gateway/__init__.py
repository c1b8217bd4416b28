"""What every call passes through: keys, the journal, Azure's errors, and the sending of a reply."""
