using System.CommandLine;

namespace SparseInfer.Cli.Doctor;

/// <summary>The arguments of <c>sparseinfer doctor</c>.</summary>
internal sealed class DoctorArguments
{
    private const string Description = """
        Lists where models can run on this machine: every device that can be used, and of the others why not and what would help.
        Whatever it finds, the exit code is 0.

        Examples:
          sparseinfer doctor
          sparseinfer doctor --json
        """;

    private readonly Option<bool> _json = new("--json") { Description = "Write an array of objects, one a device, instead of text." };

    /// <summary>The command, without an action.</summary>
    public Command CreateCommand() => new("doctor", Description) { _json };

    /// <summary>Whether JSON was asked for.</summary>
    public bool IsJson(ParseResult parsed) => parsed.GetValue(_json);
}
