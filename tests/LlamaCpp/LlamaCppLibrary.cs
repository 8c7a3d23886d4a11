using LLama.Native;

namespace SparseInfer.LlamaCpp;

/// <summary>llama.cpp's own library, as the package LLamaSharp.Backend.Cpu has it.</summary>
internal static class LlamaCppLibrary
{
    /// <summary>Loads it. Without the call it writes pages about each model to standard error.</summary>
    /// <param name="onError">Told what it says of errors.</param>
    /// <returns>Why this machine cannot run it; null: it can. The package has libraries for some platforms only, and they need OpenMP's.</returns>
    public static string? Load(Action<string> onError)
    {
        NativeLibraryConfig.All.WithLogCallback((level, message) =>
        {
            if (level == LLamaLogLevel.Error)
            {
                onError(message);
            }
        });
        try
        {
            NativeApi.llama_empty_call();
            return null;
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException or LLama.Exceptions.RuntimeError)
        {
            return $"llama.cpp's library cannot be loaded: {e.GetBaseException().Message}";
        }
    }
}
