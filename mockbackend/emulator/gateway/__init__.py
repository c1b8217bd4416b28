"""What every call passes: keys, the journal, errors, and the sending of a reply."""
