using System.Reflection;
using System.Security;
using Microsoft.CodeAnalysis.CSharp;
using SparseInfer.Cli.Compilation;

namespace SparseInfer.Cli.Declare;

/// <summary><c>sparseinfer new</c>: a project for a file.</summary>
internal static class NewCommand
{
    /// <summary>Makes the project, whole or not at all, and says what comes next.</summary>
    public static async Task RunAsync(DeclareOptions options, TextWriter output, CancellationToken cancellationToken) =>
        await output.WriteAsync(CliException.OfFiles(() => Make(options, cancellationToken)));

    private static string Make(DeclareOptions options, CancellationToken cancellationToken)
    {
        ModelDeclaration declaration = DeclareCommand.Declare(options, cancellationToken);
        string name = declaration.ClassName;
        string folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Folder ?? name));
        string parent = Path.GetDirectoryName(folder) ?? throw new CliException($"{folder} cannot be a project: give a folder to make.");
        if (File.Exists(folder) || (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()))
        {
            throw new CliException($"{folder} is there already, and not empty: give another folder.");
        }

        if (!Directory.Exists(parent))
        {
            throw new CliException($"there is no folder '{parent}' to make a project in.");
        }

        List<(string File, string Text)> files =
        [
            ($"{name}.cs", declaration.ToText()),
            ($"{name}.csproj", Project(declaration)),
            ("Program.cs", Program(options, declaration)),
        ];
        if (declaration.Profile is { } profile)
        {
            files.Add((profile.Name, profile.Text));
        }

        if (Directory.Exists(folder))
        {
            // Somebody may stand in it: it stays the same folder.
            try
            {
                Write(folder, files);
            }
            catch
            {
                files.ForEach(file => File.Delete(Path.Combine(folder, file.File)));
                throw;
            }

            return Summary(options.Folder ?? name, files);
        }

        // Beside its place first: whoever looks sees the whole project or none.
        string temporary = $"{folder}.{Guid.NewGuid():n}.tmp";
        try
        {
            Directory.CreateDirectory(temporary);
            Write(temporary, files);
            Directory.Move(temporary, folder);
        }
        catch (Exception exception)
        {
            if (Directory.Exists(temporary))
            {
                Directory.Delete(temporary, recursive: true);
            }

            if (exception is IOException or UnauthorizedAccessException)
            {
                // The temporary name is one that nobody typed.
                throw new CliException(exception.Message.Replace(temporary, folder, StringComparison.Ordinal));
            }

            throw;
        }

        return Summary(options.Folder ?? name, files);
    }

    private static void Write(string folder, List<(string File, string Text)> files)
    {
        foreach ((string file, string text) in files)
        {
            File.WriteAllText(Path.Combine(folder, file), text);
        }
    }

    private static string Summary(string shown, List<(string File, string Text)> files)
    {
        return $"{string.Join('\n', files.Select(file => Path.Combine(shown, file.File)))}\n\ncd {(shown.Contains(' ', StringComparison.Ordinal) ? $"\"{shown}\"" : shown)}\ndotnet run -c Release \"Once upon a time\"\n";
    }

    private static string Project(ModelDeclaration declaration)
    {
        string profile = declaration.Profile is { } given ? $"\n    <AdditionalFiles Include=\"{SecurityElement.Escape(given.Name)}\" />" : "";
        return $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <!-- The version below counts, also where a folder above has a Directory.Packages.props. -->
                <ManagePackageVersionsCentrally>false</ManagePackageVersionsCentrally>
              </PropertyGroup>
              <ItemGroup>
                <!-- SparseInfer.Runtime.Ilgpu in its place brings the program for GPUs too. -->
                <PackageReference Include="SparseInfer.Runtime" Version="{Version()}" />{profile}
              </ItemGroup>
            </Project>

            """;
    }

    private static string Program(DeclareOptions options, ModelDeclaration declaration)
    {
        string path = Literal(Path.GetFullPath(options.Model.File.Path));
        string[] load =
        [
            .. options.Model.File.Overrides.PredictorFile is { } predictor ? [$"PredictorFile = {Literal(Path.GetFullPath(predictor))}"] : Array.Empty<string>(),
            .. options.Model.File.Overrides.Architecture is { } architecture ? [$"Architecture = {Literal(architecture)}"] : Array.Empty<string>(),
            .. options.Model.File.Overrides.IgnoreMetadata is [_, ..] keys ? [$"IgnoreMetadata = [{string.Join(", ", keys.Select(Literal))}]"] : Array.Empty<string>(),
        ];
        string with = load.Length == 0 ? "" : $", new LoadOptions {{ {string.Join(", ", load)} }}";
        return $$"""
            using SparseInfer;

            string prompt = args.Length > 0 ? string.Join(' ', args) : "Once upon a time";
            using Device device = Device.Best();
            using LanguageModel model = {{declaration.ClassName}}.Load({{path}}, device{{with}});
            using Session session = model.CreateSession();

            Console.Write(prompt);
            await foreach (string piece in session.GenerateAsync(prompt, new GenerationOptions { MaxTokens = 256, Temperature = 0 }))
            {
                Console.Write(piece);
            }

            Console.WriteLine(session.LastGeneration?.HeldText);
            Console.Error.WriteLine(session.LastGeneration);

            """;
    }

    private static string Literal(string text) => SymbolDisplay.FormatLiteral(text, quote: true);

    /// <summary>Packages of one version belong together.</summary>
    private static string Version() =>
        typeof(NewCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
}
