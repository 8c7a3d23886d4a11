// Lanes' addresses lie on the stack, and each access fills what it reads of them.
[module: System.Runtime.CompilerServices.SkipLocalsInit]
