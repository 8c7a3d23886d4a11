namespace ILGPU;

public interface IIndex
{
    long Size { get; }
}

public interface IIntIndex : IIndex
{
    new int Size { get; }
}

public readonly struct Index1D(int x) : IIntIndex, IEquatable<Index1D>
{
    public static readonly Index1D Invalid = new(-1);
    public static readonly Index1D Zero = new(0);
    public static readonly Index1D One = new(1);

    public int X { get; } = x;

    public int Size => X;

    public long LongSize => X;

    long IIndex.Size => X;

    public LongIndex1D ToLongIndex() => new(X);

    public bool Equals(Index1D other) => X == other.X;

    public override bool Equals(object? obj) => obj is Index1D other && Equals(other);

    public override int GetHashCode() => X;

    public override string ToString() => $"({X})";

    public static implicit operator LongIndex1D(Index1D index) => index.ToLongIndex();

    public static implicit operator int(Index1D idx) => idx.X;

    public static implicit operator Index1D(int idx) => new(idx);

    public static explicit operator uint(Index1D idx) => (uint)idx.X;

    public static Index1D operator +(Index1D first, Index1D second) => new(first.X + second.X);

    public static Index1D operator -(Index1D first, Index1D second) => new(first.X - second.X);

    public static Index1D operator *(Index1D first, Index1D second) => new(first.X * second.X);

    public static Index1D operator /(Index1D first, Index1D second) => new(first.X / second.X);

    public static bool operator ==(Index1D first, Index1D second) => first.X == second.X;

    public static bool operator !=(Index1D first, Index1D second) => first.X != second.X;
}

public readonly struct LongIndex1D(long x) : IIndex, IEquatable<LongIndex1D>
{
    public static readonly LongIndex1D Invalid = new(-1);
    public static readonly LongIndex1D Zero = new(0);
    public static readonly LongIndex1D One = new(1);

    public long X { get; } = x;

    public long Size => X;

    public Index1D ToIntIndex() => new(checked((int)X));

    public bool Equals(LongIndex1D other) => X == other.X;

    public override bool Equals(object? obj) => obj is LongIndex1D other && Equals(other);

    public override int GetHashCode() => X.GetHashCode();

    public override string ToString() => $"({X})";

    public static explicit operator Index1D(LongIndex1D index) => index.ToIntIndex();

    public static implicit operator long(LongIndex1D idx) => idx.X;

    public static implicit operator LongIndex1D(long idx) => new(idx);

    public static explicit operator ulong(LongIndex1D idx) => (ulong)idx.X;

    public static LongIndex1D operator +(LongIndex1D first, LongIndex1D second) => new(first.X + second.X);

    public static LongIndex1D operator -(LongIndex1D first, LongIndex1D second) => new(first.X - second.X);

    public static LongIndex1D operator *(LongIndex1D first, LongIndex1D second) => new(first.X * second.X);

    public static LongIndex1D operator /(LongIndex1D first, LongIndex1D second) => new(first.X / second.X);

    public static bool operator ==(LongIndex1D first, LongIndex1D second) => first.X == second.X;

    public static bool operator !=(LongIndex1D first, LongIndex1D second) => first.X != second.X;
}

public readonly struct Index2D(int x, int y) : IIntIndex, IEquatable<Index2D>
{
    public Index2D(int value)
        : this(value, value)
    {
    }

    public int X { get; } = x;

    public int Y { get; } = y;

    public int Size => checked(X * Y);

    public long LongSize => (long)X * Y;

    long IIndex.Size => LongSize;

    public bool Equals(Index2D other) => X == other.X && Y == other.Y;

    public override bool Equals(object? obj) => obj is Index2D other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(X, Y);

    public override string ToString() => $"({X}, {Y})";

    public static implicit operator Index2D((int, int) values) => new(values.Item1, values.Item2);

    public static bool operator ==(Index2D first, Index2D second) => first.Equals(second);

    public static bool operator !=(Index2D first, Index2D second) => !first.Equals(second);
}

public readonly struct Index3D(int x, int y, int z) : IIntIndex, IEquatable<Index3D>
{
    public Index3D(int value)
        : this(value, value, value)
    {
    }

    public Index3D(Index2D xy, int z)
        : this(xy.X, xy.Y, z)
    {
    }

    public int X { get; } = x;

    public int Y { get; } = y;

    public int Z { get; } = z;

    public int Size => checked(X * Y * Z);

    public long LongSize => (long)X * Y * Z;

    long IIndex.Size => LongSize;

    public bool Equals(Index3D other) => X == other.X && Y == other.Y && Z == other.Z;

    public override bool Equals(object? obj) => obj is Index3D other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(X, Y, Z);

    public override string ToString() => $"({X}, {Y}, {Z})";

    public static implicit operator Index3D((int, int, int) values) => new(values.Item1, values.Item2, values.Item3);

    public static bool operator ==(Index3D first, Index3D second) => first.Equals(second);

    public static bool operator !=(Index3D first, Index3D second) => !first.Equals(second);
}
