"""What is done to requests and answers between two dialects, where the target can do less than was asked for.

All in the common vocabulary and without a wire format: forms of answers held to and mended, calls of tools put into
words, several answers asked for one by one.
"""
