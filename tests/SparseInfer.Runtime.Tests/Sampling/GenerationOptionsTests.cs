namespace SparseInfer.Runtime.Tests.Sampling;

public class GenerationOptionsTests
{
    [Fact]
    public void The_defaults_are_valid() => Should.NotThrow(() => new GenerationOptions().Validate());

    public static TheoryData<string, GenerationOptions> Invalid => new()
    {
        { "MaxTokens must be at least 1.", new() { MaxTokens = 0 } },
        { "MaxTokens must be at least 1.", new() { MaxTokens = int.MinValue } },
        { "Temperature must be a finite number, at least 0.", new() { Temperature = -0.01 } },
        { "Temperature must be a finite number, at least 0.", new() { Temperature = double.NaN } },
        { "Temperature must be a finite number, at least 0.", new() { Temperature = double.PositiveInfinity } },
        { "TopK must be at least 0 (0 keeps all tokens).", new() { TopK = -1 } },
        { "TopP must be from 0 to 1.", new() { TopP = -0.1 } },
        { "TopP must be from 0 to 1.", new() { TopP = 1.01 } },
        { "TopP must be from 0 to 1.", new() { TopP = double.NaN } },
        { "MinP must be from 0 to 1.", new() { MinP = -0.1 } },
        { "MinP must be from 0 to 1.", new() { MinP = 1.01 } },
        { "MinP must be from 0 to 1.", new() { MinP = double.NaN } },
        { "RepetitionPenalty must be from 0.01 to 100 (1 is off).", new() { RepetitionPenalty = 0.009 } },
        { "RepetitionPenalty must be from 0.01 to 100 (1 is off).", new() { RepetitionPenalty = double.NaN } },
        { "RepetitionPenalty must be from 0.01 to 100 (1 is off).", new() { RepetitionPenalty = 100.1 } },
        { "RepetitionWindow must be from 0 to 1048576.", new() { RepetitionWindow = -1 } },
        { "RepetitionWindow must be from 0 to 1048576.", new() { RepetitionWindow = 1048577 } },
        { "StopStrings must be a list, possibly empty.", new() { StopStrings = null! } },
        { "StopStrings must be a list without null or empty strings.", new() { StopStrings = ["a", ""] } },
        { "StopStrings must be a list without null or empty strings.", new() { StopStrings = [null!] } },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void A_value_out_of_range_is_refused_by_name_and_range(string message, GenerationOptions options)
    {
        ArgumentOutOfRangeException error = Should.Throw<ArgumentOutOfRangeException>(options.Validate);

        error.Message.ShouldStartWith(message);
        error.ParamName.ShouldBe(message[..message.IndexOf(' ')]);
    }

    [Fact]
    public void The_ends_of_the_ranges_are_valid()
    {
        Should.NotThrow(() => new GenerationOptions
        {
            MaxTokens = 1,
            Temperature = 0,
            TopK = 0,
            TopP = 0,
            MinP = 0,
            RepetitionPenalty = 0.01,
            RepetitionWindow = 0,
        }.Validate());
        Should.NotThrow(() => new GenerationOptions
        {
            MaxTokens = int.MaxValue,
            Temperature = double.MaxValue,
            TopK = int.MaxValue,
            TopP = 1,
            MinP = 1,
            RepetitionPenalty = 100,
            RepetitionWindow = GenerationOptions.MaximumRepetitionWindow,
        }.Validate());
    }
}
