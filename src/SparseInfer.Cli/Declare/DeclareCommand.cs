using SparseInfer.Cli.Compilation;
using SparseInfer.Cli.Run;

namespace SparseInfer.Cli.Declare;

/// <summary><c>sparseinfer declare</c>: the class for a file.</summary>
internal static class DeclareCommand
{
    /// <summary>Writes the class: nothing else goes to standard output.</summary>
    public static async Task RunAsync(DeclareOptions options, TextWriter output, CancellationToken cancellationToken) =>
        await output.WriteAsync(CliException.OfFiles(() => Declare(options, cancellationToken).ToText()));

    /// <summary>The declaration, of which a program can be made.</summary>
    /// <exception cref="CliException">It cannot be declared so.</exception>
    public static ModelDeclaration Declare(DeclareOptions options, CancellationToken cancellationToken)
    {
        ModelDeclaration read = LoadedModel.Declare(options.Model, out _);
        ModelDeclaration declaration = read with { Context = options.Context ?? read.Context };

        // What somebody typed may be no C#, and what a file says may break a rule: what is written shall compile.
        _ = ModelCompiler.Read(declaration, cancellationToken);
        return declaration;
    }
}
