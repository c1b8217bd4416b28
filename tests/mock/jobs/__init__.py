"""What a front end's tests do with the mock, in Python and in JavaScript: each job in at most three lines."""
