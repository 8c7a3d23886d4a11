using System.Runtime.CompilerServices;

namespace SparseInfer;

/// <summary>Checks enumerations that come from outside: a cast makes any number one.</summary>
internal static class EnumArgument
{
    /// <summary>The value, which must be one of those that are declared.</summary>
    /// <param name="value">The value.</param>
    /// <param name="name">What it was given as.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not declared; the message lists those that are.</exception>
    public static T Require<T>(T value, [CallerMemberName] string name = "")
        where T : struct, Enum =>
        Enum.IsDefined(value)
            ? value
            : throw new ArgumentOutOfRangeException(name, value, $"{name} must be one of {string.Join(", ", Enum.GetNames<T>())}.");
}
