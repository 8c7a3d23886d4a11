namespace SparseInfer.Runtime.Tests.Text.ChatTemplates;

/// <summary>The time at which golden outputs were made.</summary>
internal sealed class FixedClock : TimeProvider
{
    public static readonly FixedClock Instance = new();

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override DateTimeOffset GetUtcNow() => new(2026, 7, 6, 9, 4, 5, TimeSpan.Zero);
}
