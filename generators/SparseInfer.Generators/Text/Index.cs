namespace System;

/// <summary>What the C# compiler looks for where a pattern lists elements, and netstandard2.0 lacks.</summary>
internal readonly struct Index(int value, bool fromEnd = false)
{
    public int GetOffset(int length) => fromEnd ? length - value : value;
}
