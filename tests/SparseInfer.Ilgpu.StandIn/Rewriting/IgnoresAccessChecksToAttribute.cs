namespace System.Runtime.CompilerServices;

/// <summary>Tells the runtime, by its name alone, that an assembly may use what is not public in another.</summary>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
{
    public string AssemblyName { get; } = assemblyName;
}
