global using ILGPU;
global using ILGPU.Runtime;
global using Half = ILGPU.Half;
