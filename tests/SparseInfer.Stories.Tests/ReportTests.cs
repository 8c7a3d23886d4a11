using System.Globalization;

namespace SparseInfer.Stories.Tests;

public sealed class ReportTests(ReportTests.SmallRun run) : IClassFixture<ReportTests.SmallRun>
{
    private static readonly string[] Contenders = ["Dense", "Exact", "Predicted, as declared", "Predicted, one alpha"];

    private readonly string[] _lines = run.Result.Output.Split(Environment.NewLine);

    [Fact]
    public void It_succeeds_and_begins_with_the_model_and_the_story()
    {
        run.Result.ExitCode.ShouldBe(0);
        run.Result.Error.ShouldBeEmpty();
        _lines[0].ShouldStartWith("StoriesRelu: 6 layers");
        _lines[2].ShouldStartWith("Once upon a time");
        run.Result.Output.ShouldContain("20 tokens in exact mode");
        run.Result.Output.ShouldContain("--seed 7");
    }

    [Fact]
    public void Redirected_output_has_neither_escape_codes_nor_carriage_returns()
    {
        run.Result.Output.ShouldNotContain('\u001b');
        string.Concat(_lines).ShouldNotContain('\r');
    }

    [Fact]
    public void Tables_fit_in_eighty_columns()
    {
        foreach (string contender in Contenders)
        {
            TableOf(contender, 7).ShouldAllBe(line => line.Length <= 80);
        }

        TableOf("Side by side", 5).ShouldAllBe(line => line.Length <= 80);
    }

    [Fact]
    public void All_modes_stand_side_by_side()
    {
        string[] rows = TableOf("Side by side", 5)[1..];

        rows.Select(row => row[..22].TrimEnd()).ShouldBe(Contenders);
        double[] speeds = [.. rows.Select(row => Number(Cells(row[22..])[0]))];
        speeds.ShouldAllBe(speed => speed > 0);
    }

    [Fact]
    public void Exact_changes_no_result_and_touches_fewer_bytes()
    {
        string[] dense = Cells(TableOf("Side by side", 5)[1][22..]);
        string[] exact = Cells(TableOf("Side by side", 5)[2][22..]);

        exact[1].ShouldBe(dense[1]);
        exact[2].ShouldBe("0.0%");
        Number(exact[3]).ShouldBeLessThan(Number(dense[3]));
    }

    [Fact]
    public void One_alpha_costs_what_is_known_of_it()
    {
        double dense = Number(Cells(TableOf("Side by side", 5)[1][22..])[1]);
        double oneAlpha = Number(Cells(TableOf("Side by side", 5)[4][22..])[1]);

        // +29.5% on 8,192 tokens; a single window strays from that.
        (oneAlpha / dense).ShouldBeInRange(1.15, 1.45);
    }

    [Theory]
    [InlineData("Dense")]
    [InlineData("Exact")]
    [InlineData("Predicted, as declared")]
    [InlineData("Predicted, one alpha")]
    public void Every_mode_has_a_row_for_each_layer(string contender)
    {
        string[] rows = TableOf(contender, 7)[1..];

        rows.Select(row => Cells(row)[0]).ShouldBe(["0", "1", "2", "3", "4", "5"]);
        rows.ShouldAllBe(row => row.Contains('█') || row.Contains('▎') || row.Contains('▍'));
    }

    [Fact]
    public void The_predictor_is_judged_in_every_layer_where_it_acts()
    {
        foreach (string row in TableOf("Predicted, one alpha", 7)[1..])
        {
            row.ShouldContain("sign-bit 1.00");
            double[] shares = [.. Cells(row).Where(cell => cell.EndsWith('%')).Select(Number)];

            // Inactive, predicted, precision, recall, bytes.
            shares.Length.ShouldBe(5);
            (shares[1] * shares[2] / 100).ShouldBe(shares[0] * shares[3] / 100, tolerance: 0.2);
            shares[4].ShouldBeLessThan(50);
        }
    }

    [Fact]
    public void It_says_how_much_was_evaluated_and_what_not_to_conclude()
    {
        run.Result.Output.ShouldContain("256 tokens of held-out text");
        run.Result.Output.ShouldContain("on a large model (model/CARD.md)");
    }

    private static string[] Cells(string row) => row.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static double Number(string cell) => double.Parse(cell.TrimEnd('%'), NumberStyles.Number, CultureInfo.InvariantCulture);

    /// <summary>The lines after a table's title, its header first.</summary>
    private string[] TableOf(string title, int lines)
    {
        int at = Array.IndexOf(_lines, title);
        at.ShouldBeGreaterThan(0, $"no table '{title}' in:\n{run.Result.Output}");
        return _lines[(at + 1)..(at + 1 + lines)];
    }

    /// <summary>The whole program once, on as little text as it takes.</summary>
    public sealed class SmallRun
    {
        internal ProgramResult Result { get; } =
            StoriesProgram.Run(
                "--threads", "1", "--tokens", "20", "--seed", "7", "--temperature", "0", "--mode", "exact", "--evaluate", "256");
    }
}
