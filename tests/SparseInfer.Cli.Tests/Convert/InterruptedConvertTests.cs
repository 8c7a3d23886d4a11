using System.Diagnostics;
using System.Globalization;

namespace SparseInfer.Cli.Tests.Convert;

/// <summary><c>sparseinfer convert</c> when something ends it: nothing stays, or the next one finds what stayed.</summary>
public sealed class InterruptedConvertTests(LargeModel large) : IClassFixture<LargeModel>, IDisposable
{
    private const string Sending = "while read -r signal process; do kill -$signal $process; echo; done";

    private readonly string _folder = Directory.CreateTempSubdirectory("sparseinfer-").FullName;

    private readonly Lazy<Process> _sender = new(() => Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Sending])
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
    })!);

    public void Dispose()
    {
        if (_sender.IsValueCreated)
        {
            using Process sender = _sender.Value;
            sender.StandardInput.Close();
            sender.WaitForExit();
        }

        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("HUP", 129)]
    [InlineData("INT", 130)]
    [InlineData("QUIT", 131)]
    [InlineData("TERM", 143)]
    [InlineData("XCPU", 152)]
    public void A_signal_ends_it_and_leaves_nothing(string signal, int exitCode)
    {
        RequireSignals();
        using Process process = StartAndWait();
        Send(signal, process);
        ToolProgram.Finish(process).ExitCode.ShouldBe(exitCode);
        Names().ShouldBeEmpty();
    }

    [Theory]
    [InlineData("INT", "INT")]
    [InlineData("TERM", "HUP")]
    public void A_second_signal_does_not_wait_and_leaves_nothing(string first, string second)
    {
        RequireSignals();
        using Process process = StartAndWait();
        Send(first, process);
        Send(second, process);
        ToolResult result = ToolProgram.Finish(process);
        result.ExitCode.ShouldBe(first is "INT" ? 130 : 143);
        result.Error.ShouldNotContain("   at ");
        Names().ShouldBeEmpty();
    }

    [Fact]
    public void What_a_killed_one_left_the_next_one_removes_but_nothing_of_the_living_or_of_others()
    {
        RequireSignals();
        using Process living = StartAndWait();
        Send("STOP", living);
        string[] alive = Names();
        using (Process killed = StartAndWait())
        {
            killed.Kill();
            ToolProgram.Finish(killed);
        }

        string[] left = [.. Names().Except(alive)];
        left.Length.ShouldBe(1);
        left[0].ShouldMatch(@"^\.sparseinfer-[0-9a-f]{32}\.tmp$");
        string[] others = [".sparseinfer-notes.tmp", $".sparseinfer-{Guid.NewGuid():n}.tmp", $".sparseinfer-{Guid.NewGuid():n}.txt", "a.tmp"];
        File.WriteAllText(At(others[0]), "mine");
        File.CreateSymbolicLink(At(others[1]), At(others[0]));
        File.WriteAllText(At(others[2]), "mine");
        File.WriteAllText(At(others[3]), "mine");

        ToolProgram.Run("convert", ToolProgram.Gguf, At("small.gguf")).ExitCode.ShouldBe(0);
        Names().ShouldBe([.. alive, .. others, "small.gguf"], ignoreOrder: true);

        Send("CONT", living);
        ToolProgram.Finish(living).ExitCode.ShouldBe(0);
        Names().ShouldBe([.. others, "out.gguf", "small.gguf"], ignoreOrder: true);
    }

    [Fact]
    public void A_file_size_limit_is_an_error_and_leaves_nothing()
    {
        RequireSignals();
        // In blocks of 512 bytes, or of 1024: half of what the file takes, or most of it. The runtime keeps its own code in a file in memory,
        // of more than that, unless it is told otherwise.
        ToolResult result = ToolProgram.RunProgram(
            "/bin/sh", "-c", "ulimit -f 10000 && DOTNET_EnableWriteXorExecute=0 exec \"$@\"", "sh", ToolProgram.Dotnet, ToolProgram.Assembly,
            "convert", ToolProgram.Gguf, At("out.gguf"));
        result.ExitCode.ShouldBe(1, result.Error);
        result.Error.ShouldContain($"sparseinfer: {At("out.gguf")} cannot be written: it is larger than its file system or the limit of this process");
        Names().ShouldBeEmpty();
    }

    private static void RequireSignals() => Assert.SkipWhen(OperatingSystem.IsWindows(), "a process there cannot be sent a signal by another");

    /// <summary>A conversion that has begun to write: its file is locked by then, which it is not yet where it only exists.</summary>
    private Process StartAndWait()
    {
        // What sends signals is there before: to start a process takes as long as to convert, on a machine that does much else.
        _ = _sender.Value;
        string[] before = Names();
        Process process = ToolProgram.Start("convert", large.Gguf, At("out.gguf"));
        while (!Names().Except(before).Any(name => new FileInfo(At(name)) is { Exists: true, Length: > 0 }) && !process.HasExited)
        {
            Thread.Sleep(1);
        }

        process.HasExited.ShouldBeFalse();
        return process;
    }

    private void Send(string signal, Process process)
    {
        _sender.Value.StandardInput.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{signal} {process.Id}"));
        _sender.Value.StandardInput.Flush();
        _sender.Value.StandardOutput.ReadLine().ShouldNotBeNull();
    }

    private string At(string name) => Path.Combine(_folder, name);

    private string[] Names() => [.. Directory.GetFileSystemEntries(_folder).Select(path => Path.GetFileName(path))];
}
