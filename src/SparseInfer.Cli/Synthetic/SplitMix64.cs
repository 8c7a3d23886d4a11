namespace SparseInfer.Cli.Synthetic;

/// <summary>
/// The SplitMix64 generator (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014). Every row of a matrix has
/// its own, keyed by what the row is, so rows can be made in any order and on any thread, and come out the same.
/// </summary>
internal struct SplitMix64
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    private ulong _state;

    /// <summary>The generator of one key.</summary>
    public SplitMix64(ulong seed, int stream, int row) =>
        _state = Mix(Mix(seed + Golden) ^ Mix(((ulong)(uint)stream << 32) + (uint)row + Golden));

    public ulong Next() => Mix(_state += Golden);

    /// <summary>From 0 to less than 1.</summary>
    public double NextUnit() => (Next() >>> 11) * (1.0 / (1UL << 53));

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EB;
        return z ^ (z >>> 31);
    }
}
